/** What the commands share that load a model as programs do. */

import { Args, Flags } from '@oclif/core';
import type { PrecisionChoice } from '../engine/precision.ts';
import { argumentMissing } from '../errors.ts';
import type { Model } from '../library/index.ts';
import { BaseCommand, readingFlags, warn } from './base-command.ts';
import { subjectFolder } from './subject.ts';
import { gatherStages } from './workspace.ts';

const RUN_OR_FILE = 'run or model folder; may be left out where a calm.yaml is near';

/** The run may be left out: of one argument it is the file. @param file what it is, for help */
export function fileArgs(file: string) {
  return {
    run: Args.string({ description: RUN_OR_FILE, ignoreStdin: true }),
    file: Args.string({ description: file, ignoreStdin: true }),
  };
}

const { config, engine, precision, variant, checkpoint } = readingFlags;

export const modelFlags = {
  config,
  engine,
  precision,
  variant,
  checkpoint,
  to: Flags.string({ description: 'file to write', helpValue: 'FILE' }),
};

export interface ModelChoice {
  readonly config?: string | undefined;
  readonly engine?: string | undefined;
  readonly precision?: PrecisionChoice | undefined;
  readonly variant?: string | undefined;
  readonly checkpoint?: 'latest' | 'best' | number | undefined;
}

export abstract class ModelCommand extends BaseCommand {
  /** The run, if it is named, and the file. */
  protected namedIn(
    args: { readonly run?: string | undefined; readonly file?: string | undefined },
    flags: ModelChoice,
  ): { run: string | undefined; file: string } {
    const file = args.file ?? args.run;
    if (file === undefined) throw argumentMissing('FILE');
    return { run: args.file === undefined ? flags.config : args.run, file };
  }

  /** Works with the model of a run, and disposes of it. */
  protected async withModel<T>(
    run: string | undefined,
    { engine: name, precision, variant: stage, checkpoint: step }: ModelChoice,
    work: (model: Model) => Promise<T>,
  ): Promise<T> {
    // For the heads that installed plugins bring.
    await gatherStages(this.config);
    const { load } = await import('../library/index.ts');
    const options = { engine: name, precision, variant: stage, checkpoint: step, onWarning: warn };
    const model = await load(await subjectFolder(run), options);
    try {
      return await work(model);
    } finally {
      await model.dispose();
    }
  }
}
