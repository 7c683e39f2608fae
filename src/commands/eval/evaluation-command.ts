import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { temporaryFolder } from '../../pipeline/index.ts';
import { flatten, formatTable } from '../../reporting/index.ts';
import type { ChosenInputs } from '../../runs/index.ts';
import { BaseCommand, readingFlags, runArgs } from '../base-command.ts';
import { ask } from '../executing.ts';
import { newestLike, openSubject, type SubjectChoice, stagesOf, textMakerFor } from '../subject.ts';
import { commandLine } from '../workspace.ts';

export const evaluationArgs = runArgs;
export const evaluationFlags = {
  ...readingFlags,
  'num-sequences': Flags.integer({ description: 'held-out sequences' }),
  corpus: Flags.string({
    multiple: true,
    description: 'text to evaluate on instead of the run’s held-out documents: paths or globs',
    helpValue: 'PATH',
  }),
  'text-field': Flags.string({ description: 'with --corpus: the field of a JSON line that holds the text' }),
};

/** What chooses a run, a stage of it, and the text that it is evaluated on. */
export interface EvaluationChoice extends SubjectChoice {
  readonly corpus?: readonly string[] | undefined;
  readonly textField?: string | undefined;
}

/** Asks an evaluation stage for one measure, and returns what it found. */
export abstract class EvaluationCommand extends BaseCommand {
  protected async measure(
    stage: string,
    measure: string,
    choice: EvaluationChoice,
    fields: Record<string, unknown>,
  ) {
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    const wanted = { ...given, measures: [measure] };
    const folder = choice.corpus ? temporaryFolder() : undefined;
    try {
      const text = folder ? await this.#prepare(stage, choice, folder) : {};
      const subject = await openSubject(this.config, choice, stage, wanted, text);
      const { metrics } = await ask(subject.question, { ...subject, ...this.#running });
      // A measure may have results of several names.
      return (metrics[measure] ?? metrics) as Record<string, unknown>;
    } finally {
      if (folder) rmSync(folder, { recursive: true, force: true });
    }
  }

  get #running() {
    const command = commandLine([...(this.id ?? '').split(':'), ...this.argv]);
    return { isJson: this.jsonEnabled(), command };
  }

  /** The given text, made ready for the model, as the input of the stage that takes it. */
  async #prepare(asked: string, choice: EvaluationChoice, folder: string): Promise<ChosenInputs> {
    const files = choice.corpus as readonly string[];
    const registry = await stagesOf(this.config, choice.config);
    const { stage, ofText, port, output, kind } = textMakerFor(registry, asked);
    const like = await newestLike(choice, stage.name, ofText.like);
    const fields = ofText.fields({ files, textField: choice.textField, like });
    const { question, ...subject } = await openSubject(
      this.config,
      { ...choice, set: [] },
      stage.name,
      fields,
    );
    await ask({ ...question, outputFolder: folder }, { ...subject, ...this.#running });
    const directory = join(folder, output);
    return { [port]: { stage: stage.name, port, kind, directory, isFinished: true, order: -1 } };
  }

  /** The run as an argument or a flag, with what chooses in it. */
  protected choiceOf(
    args: { run?: string | undefined },
    flags: EvaluationChoice & { readonly 'text-field'?: string | undefined },
  ): EvaluationChoice {
    const { config, set, engine, variant, checkpoint, corpus } = flags;
    const named = args.run ?? config;
    return { config: named, set, engine, variant, checkpoint, corpus, textField: flags['text-field'] };
  }

  protected sayFound(found: unknown): void {
    this.say(formatTable(['measure', 'value'], flatten(found ?? {})));
  }
}
