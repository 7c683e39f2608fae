/** Where a model lies: in a run, in a model folder, or a saved step of it. Loads no tensor library. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  autoencoderFolder,
  type CheckpointChoice,
  languageModelFolder,
  type ModelFolder,
} from '../artifacts/index.ts';
import type { PrecisionChoice } from '../engine/precision.ts';
import { inputNotInFolder, messageOf, modelMissing } from '../errors.ts';
import { type Artifact, chooseInputs, isModelFolder, Run } from '../runs/index.ts';

export type ModelKind = typeof languageModelFolder | typeof autoencoderFolder;

type Kinds = readonly [ModelKind, ...ModelKind[]];

/** What may be looked for, the first of them that is there. */
const KINDS: Kinds = [languageModelFolder, autoencoderFolder];

/** A model's folder, and what its run says of it. */
export interface FoundModel {
  readonly kind: ModelKind;
  readonly directory: string;
  readonly seed: number;
  /** The engine that the run asked for. */
  readonly engine: string;
  /** And the precision of its products. */
  readonly precision: PrecisionChoice;
}

export interface FindOptions {
  /** The stage, where a run has several models. */
  readonly variant?: string | undefined;
  readonly checkpoint?: CheckpointChoice | undefined;
  /** What is looked for. */
  readonly kinds?: Kinds;
  /** Told of plugins of the run that can't be had. */
  readonly warn?: (message: string) => void;
}

/** @param directory a run, or a model folder as `calm export` writes it or a hub has it */
export async function findModel(
  directory: string,
  { variant, checkpoint, kinds = KINDS, warn = () => {} }: FindOptions = {},
): Promise<FoundModel> {
  if (!existsSync(directory)) throw modelMissing(directory);
  if (isModelFolder(directory))
    return { ...(await modelIn(directory, kinds)), seed: 0, engine: 'auto', precision: 'f32' };
  const run = await Run.open(directory);
  await importPlugins(run, warn);
  const { kind, artifact } = await modelOf(run, variant, checkpoint !== undefined, kinds);
  const seed = run.stage(artifact.stage)?.manifest?.seed ?? 0;
  const { engine = 'auto', precision = 'f32' } = run.record ?? {};
  return { kind, directory: artifact.directory, seed, engine, precision };
}

/** Opens what was found, or a saved step of it; whoever opens it disposes of it. */
export function openFound(
  { kind, directory }: FoundModel,
  checkpoint?: CheckpointChoice,
): Promise<ModelFolder> {
  return checkpoint === undefined
    ? kind.open(directory)
    : kind.openCheckpoint(checkpointsOf(directory), checkpoint);
}

/** Beside the model that a stage makes. */
export const checkpointsOf = (directory: string) => join(directory, '..', 'checkpoints');

async function modelIn(folder: string, kinds: Kinds): Promise<Pick<FoundModel, 'kind' | 'directory'>> {
  for (const kind of kinds) {
    const directory = await kind.findIn(folder);
    if (directory) return { kind, directory };
  }
  throw inputNotInFolder('load', kinds[0].name, folder);
}

async function modelOf(
  run: Run,
  variant: string | undefined,
  mayBeUnfinished: boolean,
  kinds: Kinds,
): Promise<{ kind: ModelKind; artifact: Artifact }> {
  const choice = { variant, mayBeUnfinished, stage: 'load' };
  for (const kind of kinds) {
    const wanted = { port: 'model', kind: kind.name, isOptional: true };
    const { model } = await chooseInputs(run, [wanted], choice);
    if (model) return { kind, artifact: model };
  }
  // Says what is missing, and of which stage.
  await chooseInputs(run, [{ port: 'model', kind: kinds[0].name, isOptional: false }], choice);
  throw inputNotInFolder('load', kinds[0].name, run.folder.directory);
}

/** The modules that the run was made with, for what they register. One that can't be had is only said. */
async function importPlugins({ record }: Run, warn: (message: string) => void): Promise<void> {
  if (!record || record.plugins.length === 0) return;
  const { directory, plugins } = record;
  const { addConfiguredPlugins, Registry } = await import('../pipeline/registry.ts');
  const registry = new Registry();
  for (const plugin of plugins) {
    const given = { plugins: [plugin], directory, locate: () => ({ file: directory }) };
    await addConfiguredPlugins(registry, given).catch((error: unknown) => warn(messageOf(error)));
  }
}
