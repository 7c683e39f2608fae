/**
 * The folder of a run, runs/<name>/:
 *
 *     config.yaml  run.json     the configuration as last run, and the folder that its paths are relative to
 *     <stage>/                  a finished stage: manifest.json, config.yaml, metrics.jsonl, one folder a port. Whole, because it was renamed into place
 *     .work/<stage>/            a stage at work: the same, plus checkpoints/, work.json and progress.json
 *     .work/<stage>~<print>/    the unfinished work of another configuration, gone on with when that comes back
 *     .lock                     the process that works here
 */

import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readIndex, readJsonAs, syncDirectory, syncFile, writeJson } from '../artifacts/index.ts';
import { lockHolder, runLocked } from '../errors.ts';
import { LOCK_TIMES, type LockOwner, lockOwner, waitForLock } from '../process-lock.ts';
import { fileList, listFiles, PROGRESS_FILE, WORK_FILES } from './integrity.ts';

export const MANIFEST_VERSION = 1;

const manifest = z.object({
  formatVersion: z.number(),
  stage: z.string(),
  uses: z.string(),
  stageVersion: z.number(),
  fingerprint: z.string(),
  seed: z.number(),
  config: z.record(z.string(), z.unknown()),
  /** Port → where it came from and the fingerprint that this had. */
  inputs: z.record(z.string(), z.object({ from: z.string(), fingerprint: z.string() })),
  outputs: z.record(z.string(), z.object({ kind: z.string(), formatVersion: z.number() })),
  sources: z.unknown().optional(),
  /** calm, node, engine and its packages. */
  versions: z.record(z.string(), z.string()),
  seconds: z.number(),
  finishedAt: z.string(),
  /** The stage's summary. */
  metrics: z.record(z.string(), z.unknown()),
  /** Sizes and hashes of its files. */
  files: fileList.optional(),
});

/** What a finished stage says of itself. */
export type Manifest = Readonly<z.infer<typeof manifest>>;

const workRecord = z.object({ fingerprint: z.string().regex(/^[0-9a-f]+$/), seconds: z.number() });
const progressNote = z.object({
  step: z.number(),
  steps: z.number().optional(),
  values: z.record(z.string(), z.number().nullable()).optional(),
  tokensPerSecond: z.number().optional(),
});
type WorkRecord = Readonly<z.infer<typeof workRecord>>;

export class RunFolder {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  stage(id: string): string {
    return join(this.directory, id);
  }

  work(id: string): string {
    return join(this.directory, '.work', id);
  }

  /**
   * The manifest of a finished stage; undefined where there is none. A stage that a kill kept from its place counts: `recover` will put it there.
   * Manifests of other format versions are errors.
   */
  async manifest(id: string): Promise<Manifest | undefined> {
    return (await readManifest(this.stage(id))) ?? readManifest(this.work(id));
  }

  /** What is known of the unfinished work in a folder; undefined where there is none. */
  async workRecord(directory: string): Promise<WorkRecord | undefined> {
    return readJsonAs(join(directory, 'work.json'), workRecord).catch(() => undefined);
  }

  /**
   * The folder in which a stage works. What the same configuration left behind is gone on with; what another one did is set aside if it has checkpoints, for
   * hours may be in them.
   */
  async openWork(id: string, fingerprint: string): Promise<{ directory: string; seconds: number }> {
    const directory = this.work(id);
    const there = await this.workRecord(directory);
    if (there?.fingerprint !== fingerprint) {
      if (there && hasCheckpoints(directory)) await moveOver(directory, this.#aside(id, there.fingerprint));
      await rm(directory, { recursive: true, force: true });
      if (existsSync(this.#aside(id, fingerprint))) await rename(this.#aside(id, fingerprint), directory);
    }
    const record = await this.workRecord(directory);
    const canResume = record?.fingerprint === fingerprint;
    if (!canResume) await rm(directory, { recursive: true, force: true });
    await mkdir(join(directory, 'checkpoints'), { recursive: true });
    if (!canResume)
      await writeJson(join(directory, 'work.json'), { fingerprint, seconds: 0 } satisfies WorkRecord);
    return { directory, seconds: canResume ? record.seconds : 0 };
  }

  #aside(id: string, fingerprint: string): string {
    return `${this.work(id)}~${fingerprint.slice(0, 8)}`;
  }

  /** Remembers the time that an interrupted stage has taken so far. */
  async noteTime(id: string, fingerprint: string, seconds: number): Promise<void> {
    await writeJson(join(this.work(id), 'work.json'), { fingerprint, seconds } satisfies WorkRecord);
  }

  /** Puts a finished stage into place; the old result stands until the new one is whole. */
  async publish(id: string, manifest: Manifest): Promise<void> {
    const work = this.work(id);
    // From here on the stage counts as done: what a kill leaves over is removed by `recover`.
    const files = await listFiles(work);
    for (const file of Object.keys(files)) syncFile(join(work, file));
    await writeJson(join(work, 'manifest.json'), { ...manifest, files } satisfies Manifest);
    await this.#moveIntoPlace(id);
  }

  /** How far a stage at work was a moment ago; undefined where nothing is known. */
  async progress(id: string): Promise<z.infer<typeof progressNote> | undefined> {
    return readJsonAs(join(this.work(id), PROGRESS_FILE), progressNote).catch(() => undefined);
  }

  /** The living process that works here, if there is one. */
  owner(): LockOwner | undefined {
    return lockOwner(join(this.directory, '.lock'));
  }

  /** Finishes what a kill interrupted between two renames, and removes leftovers of stages that are not at work. */
  async recover(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if (existsSync(join(this.work(id), 'manifest.json'))) await this.#moveIntoPlace(id);
      await rm(`${this.work(id)}.old`, { recursive: true, force: true });
    }
  }

  async #moveIntoPlace(id: string): Promise<void> {
    const [work, final, old] = [this.work(id), this.stage(id), `${this.work(id)}.old`];
    for (const name of WORK_FILES) await rm(join(work, name), { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
    if (existsSync(final)) await rename(final, old);
    await rename(work, final);
    syncDirectory(this.directory);
    await rm(old, { recursive: true, force: true });
  }

  /**
   * Takes the run for this process; returns how to let it go. The lock of a process that is gone is taken over; see process-lock.ts for how that is known.
   * @param say told what is waited for, and whose lock was taken over
   */
  async lock(say: (text: string) => void = () => {}): Promise<() => void> {
    await mkdir(join(this.directory, '.work'), { recursive: true });
    const attempt = await waitForLock(join(this.directory, '.lock'), (owner) => {
      const limit =
        owner.silentSeconds === undefined ? '' : `; after ${LOCK_TIMES.staleMs / 1000} s its lock is stale`;
      say(`waiting for another calm (${lockHolder(owner)}) in ${this.directory}${limit}`);
    });
    if ('owner' in attempt) throw runLocked(this.directory, attempt.owner);
    const { takenFrom, release } = attempt.lock;
    if (takenFrom) say(`the lock of ${lockHolder(takenFrom)}, is stale and was taken over`);
    return release;
  }
}

function hasCheckpoints(work: string): boolean {
  return existsSync(join(work, 'checkpoints')) && readdirSync(join(work, 'checkpoints')).length > 0;
}

async function moveOver(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}

/** Reads the manifest beside an artifact, for runs and for folders from elsewhere. */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  const file = join(directory, 'manifest.json');
  if (!existsSync(file)) return undefined;
  return readIndex(file, 'manifest', MANIFEST_VERSION, manifest);
}
