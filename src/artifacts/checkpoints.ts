/**
 * The checkpoints of a stage at work: `step-00000500/{state.json, tensors.safetensors}`. A folder is written aside and renamed, so one that
 * has its name is whole. The newest two are kept.
 */

import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson, syncDirectory, writeJson } from './files.ts';
import { readSafetensors, type StoredTensor, type StoredTensors, writeSafetensors } from './safetensors.ts';

const KEPT = 2;

export interface Checkpoint<State> {
  readonly step: number;
  readonly state: State;
  readonly tensors: StoredTensors;
}

export class CheckpointStore<State> {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Saves tensors and a JSON state under a step, and forgets all but the newest checkpoints. */
  async save(step: number, state: State, tensors: Iterable<readonly [string, StoredTensor]>): Promise<void> {
    const folder = join(this.#directory, `step-${String(step).padStart(8, '0')}`);
    const partial = `${folder}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await writeSafetensors(join(partial, 'tensors.safetensors'), tensors);
    await writeJson(join(partial, 'state.json'), { step, state });
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
    syncDirectory(this.#directory);
    for (const old of (await this.#folders()).slice(0, -KEPT)) await rm(join(this.#directory, old), { recursive: true, force: true });
  }

  /** The newest whole checkpoint, if there is one. */
  async latest(): Promise<Checkpoint<State> | undefined> {
    const newest = (await this.#folders()).at(-1);
    if (!newest) return undefined;
    const folder = join(this.#directory, newest);
    const { step, state } = await readJson<{ step: number; state: State }>(join(folder, 'state.json'));
    return { step, state, tensors: await readSafetensors(join(folder, 'tensors.safetensors')) };
  }

  async #folders(): Promise<string[]> {
    const names = await readdir(this.#directory).catch(() => [] as string[]);
    return names.filter((name) => /^step-\d+$/.test(name)).sort();
  }
}
