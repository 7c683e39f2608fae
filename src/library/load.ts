/** Opens a run or a model folder for a program. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { autoencoderFolder, languageModelFolder } from '../artifacts/index.ts';
import { inputNotInFolder, messageOf, modelMissing } from '../errors.ts';
import { resolvePath } from '../paths.ts';
import { type Artifact, chooseInputs, isModelFolder, Run } from '../runs/index.ts';
import type { LoadOptions, Model } from './types.ts';

/** What may be loaded, the first of them that is there. */
const KINDS = [languageModelFolder, autoencoderFolder] as const;

/** A model's folder, and what its run says of it. */
interface Found {
  readonly kind: (typeof KINDS)[number];
  readonly directory: string;
  readonly seed: number;
  /** The engine that the run asked for. */
  readonly engine: string;
}

/**
 * Loads the model of a run (`runs/quickstart`), or of a model folder as `calm export` writes it or a hub has
 * it. Third parties' heads come by the modules that the run names in `plugins`.
 */
export async function load(path: string, options: LoadOptions = {}): Promise<Model> {
  const {
    checkpoint,
    headSampling,
    onWarning = (message) => process.emitWarning(message, 'CalmWarning'),
  } = options;
  const found = await findModel(resolvePath(process.cwd(), path), options, onWarning);
  const [{ holdEngine }, { openTextModel }] = await Promise.all([
    import('./engine.ts'),
    import('./text-model.ts'),
  ]);
  const choice = { name: options.engine ?? found.engine, isPreference: options.engine === undefined };
  const { engine, letGo } = await holdEngine(choice, onWarning);
  try {
    const { kind, directory, seed } = found;
    const folder =
      checkpoint === undefined
        ? await kind.open(directory)
        : await kind.openCheckpoint(join(directory, '..', 'checkpoints'), checkpoint);
    try {
      return await openTextModel(engine, folder, { seed, headSampling, onDisposed: letGo, onWarning });
    } finally {
      folder[Symbol.dispose]();
    }
  } catch (error) {
    letGo();
    throw error;
  }
}

async function findModel(
  directory: string,
  { variant, checkpoint }: LoadOptions,
  warn: (message: string) => void,
): Promise<Found> {
  if (!existsSync(directory)) throw modelMissing(directory);
  if (isModelFolder(directory)) return { ...(await modelIn(directory)), seed: 0, engine: 'auto' };
  const run = await Run.open(directory);
  await importPlugins(run, warn);
  const { kind, artifact } = await modelOf(run, variant, checkpoint !== undefined);
  const seed = run.stage(artifact.stage)?.manifest?.seed ?? 0;
  return { kind, directory: artifact.directory, seed, engine: run.record?.engine ?? 'auto' };
}

async function modelIn(folder: string): Promise<Pick<Found, 'kind' | 'directory'>> {
  for (const kind of KINDS) {
    const directory = await kind.findIn(folder);
    if (directory) return { kind, directory };
  }
  throw inputNotInFolder('load', KINDS[0].name, folder);
}

async function modelOf(
  run: Run,
  variant: string | undefined,
  mayBeUnfinished: boolean,
): Promise<{ kind: Found['kind']; artifact: Artifact }> {
  const choice = { variant, mayBeUnfinished, stage: 'load' };
  for (const kind of KINDS) {
    const wanted = { port: 'model', kind: kind.name, isOptional: true };
    const { model } = await chooseInputs(run, [wanted], choice);
    if (model) return { kind, artifact: model };
  }
  // Says what is missing, and of which stage.
  await chooseInputs(run, [{ port: 'model', kind: KINDS[0].name, isOptional: false }], choice);
  throw inputNotInFolder('load', KINDS[0].name, run.folder.directory);
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
