import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { temporaryFolder } from '../../pipeline/index.ts';
import { columnsOf, type Detail, flatten, formatEvaluation, formatTable } from '../../reporting/index.ts';
import type { ChosenInputs, Labels } from '../../runs/index.ts';
import { detailFlags, detailOf } from '../answering.ts';
import { BaseCommand, readingFlags, runArgs } from '../base-command.ts';
import { ask } from '../executing.ts';
import { newestLike, openSubject, type SubjectChoice, stagesOf, textMakerFor } from '../subject.ts';
import { commandLine } from '../workspace.ts';

export const evaluationArgs = runArgs;
export const evaluationFlags = {
  ...readingFlags,
  ...detailFlags,
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
  readonly detail: Detail;
}

/** What a stage found: by the measure's own name, and as the stage reports it, with the names of its values. */
export interface Found {
  readonly document: Record<string, unknown>;
  readonly metrics: Record<string, unknown>;
  readonly labels: Labels;
}

/** Asks an evaluation stage for one measure, and returns what it found. */
export abstract class EvaluationCommand extends BaseCommand {
  protected async measure(
    stage: string,
    measure: string,
    choice: EvaluationChoice,
    fields: Record<string, unknown>,
  ): Promise<Found> {
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    const wanted = { ...given, measures: [measure] };
    const folder = choice.corpus ? temporaryFolder() : undefined;
    try {
      const text = folder ? await this.#prepare(stage, choice, folder) : {};
      const subject = await openSubject(this.config, choice, stage, wanted, text);
      const { metrics } = await ask(subject.question, { ...subject, ...this.#running(choice) });
      // A measure may have results of several names.
      const document = (metrics[measure] ?? metrics) as Record<string, unknown>;
      return { document, metrics, labels: subject.question.stage.labels?.() ?? {} };
    } finally {
      if (folder) rmSync(folder, { recursive: true, force: true });
    }
  }

  #running({ detail }: EvaluationChoice) {
    const command = commandLine([...(this.id ?? '').split(':'), ...this.argv]);
    return { isJson: this.jsonEnabled(), command, detail };
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
    await ask({ ...question, outputFolder: folder }, { ...subject, ...this.#running(choice) });
    const directory = join(folder, output);
    return { [port]: { stage: stage.name, port, kind, directory, isFinished: true, order: -1 } };
  }

  /** The run as an argument or a flag, with what chooses in it. */
  protected choiceOf(
    args: { run?: string | undefined },
    flags: Omit<EvaluationChoice, 'detail'> & Readonly<Record<string, unknown>>,
  ): EvaluationChoice {
    const { config, set, engine, variant, checkpoint, corpus } = flags;
    const named = args.run ?? config;
    const textField = flags['text-field'] as string | undefined;
    return { config: named, set, engine, variant, checkpoint, corpus, textField, detail: detailOf(flags) };
  }

  /** The values that have a name; with --verbose, or where none has, all of them. */
  protected sayFound({ document, metrics, labels }: Found, { detail }: EvaluationChoice): void {
    const answer = formatEvaluation(labels, metrics, columnsOf(process.stdout));
    const isWhole = detail === 'verbose' || !answer;
    const all = isWhole ? formatTable(['measure', 'value'], flatten(document)) : '';
    this.say([answer, all].filter(Boolean).join('\n\n'));
  }
}
