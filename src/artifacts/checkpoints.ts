/**
 * The checkpoints of a stage at work: `step-00000500/{state.json, tensors.safetensors}`. A folder is written
 * aside and renamed, so one that has its name is whole;
 * one that was damaged since is found by its hash, and the one before it is taken.
 */

import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CalmError, checkpointMissing } from '../errors.ts';
import { readJson, readJsonAs, syncDirectory, writeFileWhole, writeJson } from './files.ts';
import {
  readSafetensors,
  SafetensorsFile,
  type StoredTensor,
  type StoredTensors,
  writeSafetensors,
} from './safetensors.ts';

export interface Checkpoint<State> {
  readonly step: number;
  readonly state: State;
  readonly tensors: StoredTensors;
}

/** How often a checkpoint is looked for that training removes meanwhile. */
const MOST_ATTEMPTS = 20;

const record = z.object({ step: z.int().nonnegative(), sha256: z.string(), state: z.unknown() });

export class CheckpointStore<State> {
  readonly #directory: string;
  readonly #numKept: number;
  readonly #every: number;

  /**
   * @param numKept how many of the regular ones stay, besides the newest
   * @param every the steps that are regular; others are saved when a signal or the clock asks for it
   */
  constructor(directory: string, numKept = 2, every = 1) {
    this.#directory = directory;
    this.#numKept = numKept;
    this.#every = every;
  }

  /**
   * Saves tensors and a JSON state under a step, and forgets all but the newest checkpoints. A full disk is
   * given another try with only the newest left.
   * @param alsoKept steps whose checkpoints stay besides
   */
  async save(
    step: number,
    state: State,
    tensors: Iterable<readonly [string, StoredTensor]>,
    alsoKept: readonly number[] = [],
  ): Promise<void> {
    const stored = [...tensors];
    try {
      await this.#write(step, state, stored);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC' || !(await this.#prune(1, alsoKept)))
        throw error;
      await this.#write(step, state, stored);
    }
    await this.#prune(this.#numKept, alsoKept);
  }

  /** The newest whole checkpoint, if there is one. @param onDamaged is told of those that are not whole */
  async latest(onDamaged: (problem: string) => void = () => {}): Promise<Checkpoint<State> | undefined> {
    for (const step of (await this.#steps()).reverse()) {
      try {
        return await this.at(step);
      } catch (error) {
        if (!(error instanceof CalmError)) throw error;
        onDamaged(error.message);
      }
    }
    return undefined;
  }

  /**
   * Opens a checkpoint's tensors for readers; what is open can be read even when training removes the file.
   * One that
   * is not there is an error that says which are.
   */
  async open(which: CheckpointChoice): Promise<SafetensorsFile> {
    for (let attempt = 1; ; attempt++) {
      try {
        return new SafetensorsFile(await this.fileOf(which));
      } catch (error) {
        // Removed by the training that goes on, between the listing and the opening.
        const isGone = error instanceof CalmError && error.code === 'CALM_ARTIFACT_MISSING';
        if (!isGone || attempt === MOST_ATTEMPTS) throw error;
      }
    }
  }

  /** The file of a checkpoint's tensors. One that is not there is an error that says which are. */
  async fileOf(which: CheckpointChoice): Promise<string> {
    const steps = await this.#steps();
    const step = which === 'best' ? await this.#bestStep() : which === 'latest' ? steps.at(-1) : which;
    if (step === undefined || !steps.includes(step)) throw checkpointMissing(this.#directory, which, steps);
    return join(this.#folder(step), 'tensors.safetensors');
  }

  /** The best step that the newest checkpoint knows of. */
  async #bestStep(): Promise<number | undefined> {
    const newest = await this.latest();
    return (newest?.state as { best?: { step: number } } | undefined)?.best?.step;
  }

  /** The checkpoint of a step. One that is missing or damaged is an error. */
  async at(step: number): Promise<Checkpoint<State>> {
    const folder = this.#folder(step);
    const { sha256, state } = await readJsonAs(join(folder, 'state.json'), record);
    const file = join(folder, 'tensors.safetensors');
    return { step, state: state as State, tensors: await readSafetensors(file, sha256) };
  }

  async #write(
    step: number,
    state: State,
    tensors: readonly (readonly [string, StoredTensor])[],
  ): Promise<void> {
    const folder = this.#folder(step);
    const partial = `${folder}.partial`;
    try {
      await rm(partial, { recursive: true, force: true });
      await mkdir(partial, { recursive: true });
      const sha256 = await writeSafetensors(join(partial, 'tensors.safetensors'), tensors);
      await writeJson(join(partial, 'state.json'), { step, sha256, state });
      await rm(folder, { recursive: true, force: true });
      await rename(partial, folder);
      syncDirectory(this.#directory);
    } catch (error) {
      await rm(partial, { recursive: true, force: true }).catch(() => {});
      throw error;
    }
  }

  /**
   * Removes all but the newest, the newest regular ones, and those that are kept besides. What stays does not
   * depend
   * on where a run was stopped.
   * @returns whether there was anything to remove
   */
  async #prune(numKept: number, alsoKept: readonly number[]): Promise<boolean> {
    const steps = await this.#steps();
    const regular = steps.filter((step) => step % this.#every === 0).slice(-numKept);
    const kept = new Set([...steps.slice(-1), ...regular, ...alsoKept]);
    const old = steps.filter((step) => !kept.has(step));
    for (const step of old) await rm(this.#folder(step), { recursive: true, force: true });
    return old.length > 0;
  }

  #folder(step: number): string {
    return join(this.#directory, `step-${String(step).padStart(8, '0')}`);
  }

  /** Ascending. */
  async #steps(): Promise<number[]> {
    const names = await readdir(this.#directory).catch(() => [] as string[]);
    return names
      .filter((name) => /^step-\d+$/.test(name))
      .map((name) => Number(name.slice('step-'.length)))
      .sort((a, b) => a - b);
  }
}

/** The newest checkpoint, the one of the best step so far, or the one of a step. */
export type CheckpointChoice = 'latest' | 'best' | number;

/** The small state of a stage that goes through a corpus: where it is, saved every few seconds. */
export class ProgressFile<State> {
  readonly #file: string;
  readonly #everyMs: number;
  #savedMs = performance.now();

  /** @param everyMs time between two saves */
  constructor(directory: string, name: string, everyMs = 10_000) {
    this.#file = join(directory, `${name}.json`);
    this.#everyMs = everyMs;
  }

  /** What was saved last; undefined where nothing was, or where it can't be read. */
  async load(): Promise<State | undefined> {
    return readJson<State>(this.#file).catch(() => undefined);
  }

  /**
   * Opens outputs at the state that was saved, if one was. Where the files do not have what the state says,
   * everything starts over, and that is said.
   * @returns the state that is gone on from
   */
  async goOn(
    report: { warn(message: string): void },
    open: (state: State | undefined) => void | Promise<void>,
  ): Promise<State | undefined> {
    const saved = await this.load();
    try {
      await open(saved);
      return saved;
    } catch (error) {
      if (!saved || !(error instanceof CalmError)) throw error;
      report.warn(`can't resume from what an earlier run left (${error.message}); starting over`);
      await open(undefined);
      return undefined;
    }
  }

  isDue(): boolean {
    return performance.now() - this.#savedMs >= this.#everyMs;
  }

  async save(state: State): Promise<void> {
    await writeFileWhole(this.#file, JSON.stringify(state));
    this.#savedMs = performance.now();
  }
}
