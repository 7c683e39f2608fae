/**
 * The folder of a run. It is used wherever it lies: nothing in it says where it is or what it is called.
 *
 *     run.json               what was last asked for (run-record.ts)
 *     config.yaml            the configuration as last run
 *     <stage>/               a finished stage: manifest.json, config.yaml, metrics.jsonl, one folder a port,
 *     and
 *                            for models checkpoints/. Whole, because it was renamed into place
 *     .work/<stage>/         a stage at work: the same, plus work.json and progress.json
 *     .work/<stage>~<print>/ the unfinished work of another configuration, resumed when that comes back
 *     .kept/<stage>~<print>/ the finished result of another configuration, taken up when that comes back
 *     .ranks/                what each rank of the last run said, and signs of life of those at work
 *     .lock                  the process that works here
 */

import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, readJsonAs, syncDirectory, syncFile, writeJson } from '../artifacts/index.ts';
import { lockHolder, runLocked } from '../errors.ts';
import { LOCK_TIMES, type LockOwner, lockOwner, waitForLock } from '../process-lock.ts';
import { copyFolder, foldersIn } from './folders.ts';
import { listFiles, PROGRESS_FILE, WORK_FILES } from './integrity.ts';
import { MANIFEST_FILE, type Manifest, readManifest, type SourceRecord, sourceRecords } from './manifest.ts';

const workRecord = z.object({
  fingerprint: z.string().regex(/^[0-9a-f]+$/),
  seconds: z.number(),
  /** The stage's source files with their hashes, so that resuming need not read them all. */
  sources: sourceRecords.optional(),
});
const progressNote = z.object({
  step: z.number(),
  steps: z.number().optional(),
  what: z.string().optional(),
  values: z.record(z.string(), z.number().nullable()).optional(),
  tokensPerSecond: z.number().optional(),
});
type WorkRecord = Readonly<z.infer<typeof workRecord>>;

/** Where a stage works, and how long it has worked there before. */
export interface OpenedWork {
  readonly directory: string;
  readonly seconds: number;
}

/** A finished result that stands aside, because the configuration was changed. */
export interface KeptResult {
  readonly directory: string;
  readonly manifest: Manifest;
}

const LOCK_FILE = '.lock';

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

  /** Where a stage at work saves what it can go on from. */
  checkpoints(id: string): string {
    return join(this.work(id), 'checkpoints');
  }

  /** Where ranks write their logs and signs of life. */
  get ranks(): string {
    return join(this.directory, '.ranks');
  }

  /** The ranks of an earlier run are of no matter any more. */
  async forgetRanks(): Promise<void> {
    await rm(this.ranks, { recursive: true, force: true });
  }

  /**
   * The manifest of a finished stage; undefined where there is none. A stage that a kill kept from its place
   * counts: `recover` will put it there. Manifests of other format versions are errors.
   */
  async manifest(id: string): Promise<Manifest | undefined> {
    return readManifest(this.finished(id));
  }

  /** Where a finished stage's files are: in its place, or still where it worked. */
  finished(id: string): string {
    return existsSync(join(this.stage(id), MANIFEST_FILE)) || !existsSync(join(this.work(id), MANIFEST_FILE))
      ? this.stage(id)
      : this.work(id);
  }

  /** What is known of the unfinished work in a folder; undefined where there is none. */
  async workRecord(directory: string): Promise<WorkRecord | undefined> {
    return readJsonAs(join(directory, 'work.json'), workRecord).catch(() => undefined);
  }

  /**
   * Opens the folder in which a stage works. What the same configuration left behind is resumed; what another
   * one
   * did is set aside if it has checkpoints, for hours may be in them.
   * @param continuesFrom a finished result of fewer steps whose checkpoints are the beginning
   */
  async openWork(
    id: string,
    {
      fingerprint,
      sources,
    }: { readonly fingerprint: string; readonly sources?: readonly SourceRecord[] | undefined },
    continuesFrom?: string,
  ): Promise<OpenedWork> {
    const directory = this.work(id);
    const there = await this.workRecord(directory);
    if (there?.fingerprint !== fingerprint) {
      if (there && hasCheckpoints(directory)) await moveOver(directory, this.#aside(id, there.fingerprint));
      await rm(directory, { recursive: true, force: true });
      if (existsSync(this.#aside(id, fingerprint))) await rename(this.#aside(id, fingerprint), directory);
    }
    const record = await this.workRecord(directory);
    const canResume = record?.fingerprint === fingerprint;
    if (canResume) {
      await mkdir(join(directory, 'checkpoints'), { recursive: true });
      return { directory, seconds: record.seconds };
    }
    await rm(directory, { recursive: true, force: true });
    await mkdir(join(directory, 'checkpoints'), { recursive: true });
    const seconds = continuesFrom ? await copyBeginning(continuesFrom, directory) : 0;
    await this.#note(id, { fingerprint, seconds, ...(sources ? { sources: [...sources] } : {}) });
    return { directory, seconds };
  }

  #aside(id: string, fingerprint: string): string {
    return `${this.work(id)}~${fingerprint.slice(0, 8)}`;
  }

  async #note(id: string, record: WorkRecord): Promise<void> {
    await writeJson(join(this.work(id), 'work.json'), record);
  }

  /** Remembers the time that an interrupted stage has taken so far. */
  async noteTime(id: string, seconds: number): Promise<void> {
    const record = await this.workRecord(this.work(id));
    if (record) await this.#note(id, { ...record, seconds });
  }

  /** Puts a finished stage into place; the old result stands until the new one is whole. */
  async publish(id: string, manifest: Manifest): Promise<void> {
    const work = this.work(id);
    // From here on the stage counts as done: what a kill leaves over is removed by `recover`.
    const files = await listFiles(work);
    for (const file of Object.keys(files)) syncFile(join(work, file));
    await writeJson(join(work, MANIFEST_FILE), { ...manifest, files } satisfies Manifest);
    await this.#moveIntoPlace(id);
  }

  /** How far a stage at work was a moment ago; undefined where nothing is known. */
  async progress(id: string): Promise<z.infer<typeof progressNote> | undefined> {
    return readJsonAs(join(this.work(id), PROGRESS_FILE), progressNote).catch(() => undefined);
  }

  /** The living process that works here, if there is one. */
  owner(): LockOwner | undefined {
    return lockOwner(join(this.directory, LOCK_FILE));
  }

  /**
   * Finishes what a kill interrupted between two renames, and removes leftovers of stages that are not at
   * work.
   */
  async recover(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if (existsSync(join(this.work(id), MANIFEST_FILE))) await this.#moveIntoPlace(id);
      await rm(`${this.work(id)}.old`, { recursive: true, force: true });
    }
    for (const name of await readdir(this.ranks).catch(() => []))
      if (name.endsWith('.beat')) await rm(join(this.ranks, name), { force: true });
  }

  async #moveIntoPlace(id: string): Promise<void> {
    const work = this.work(id);
    await forgetWork(work);
    const { fingerprint = '' } = (await readManifest(work).catch(() => undefined)) ?? {};
    await this.#clearPlace(id, fingerprint);
    await rename(work, this.stage(id));
    syncDirectory(this.directory);
    await rm(`${work}.old`, { recursive: true, force: true });
  }

  /**
   * Makes room for a result: one of another fingerprint that stands there is kept, the same one is replaced.
   */
  async #clearPlace(id: string, fingerprint: string): Promise<void> {
    const [final, old] = [this.stage(id), `${this.work(id)}.old`];
    await rm(old, { recursive: true, force: true });
    if (!existsSync(final)) return;
    const there = await readManifest(final).catch(() => undefined);
    if (!there || there.fingerprint === fingerprint) await rename(final, old);
    else {
      await mkdir(join(this.directory, '.kept'), { recursive: true });
      await moveOver(final, this.#keptPlace(id, there.fingerprint));
    }
  }

  #keptPlace(id: string, fingerprint: string): string {
    return join(this.directory, '.kept', `${id}~${fingerprint.slice(0, 8)}`);
  }

  /** The finished results of other configurations that lie here. Those that can't be read are passed over. */
  async keptResults(): Promise<KeptResult[]> {
    const kept = await Promise.all(
      foldersIn(join(this.directory, '.kept')).map(async (name) => {
        const directory = join(this.directory, '.kept', name);
        const manifest = await readManifest(directory).catch(() => undefined);
        return manifest ? [{ directory, manifest }] : [];
      }),
    );
    return kept.flat();
  }

  /** Puts a kept result back into its place; the one that stands there is kept in turn. */
  async takeUp(id: string, { directory, manifest }: KeptResult): Promise<void> {
    await this.#clearPlace(id, manifest.fingerprint);
    await rename(directory, this.stage(id));
    syncDirectory(this.directory);
    await rm(`${this.work(id)}.old`, { recursive: true, force: true });
  }

  /**
   * Takes the run for this process. The lock of a process that is dead is taken over; one that is alive is
   * waited
   * for briefly, for a killed calm may need a moment to end.
   * @param say told what is waited for, and whose stale lock was taken over
   */
  async lock(say: (text: string) => void = () => {}): Promise<RunLock> {
    await makeFolder(join(this.directory, '.work'));
    const attempt = await waitForLock(join(this.directory, LOCK_FILE), (owner) => {
      const limit =
        owner.silentSeconds === undefined ? '' : `; after ${LOCK_TIMES.staleMs / 1000} s its lock is stale`;
      say(`waiting for another calm (${lockHolder(owner)}) in ${this.directory}${limit}`);
    });
    if ('owner' in attempt) throw runLocked(this.directory, attempt.owner);
    const { takenFrom, release, lost } = attempt.lock;
    if (takenFrom) say(`the lock of ${lockHolder(takenFrom)}, is stale and was taken over`);
    return { release, lost };
  }
}

export interface RunLock {
  release(): void;
  /** Aborted when another process has taken the run over, because this one was silent for too long. */
  readonly lost: AbortSignal;
}

/** Whether a stage has saved something; what it writes before its first step does not count. */
function hasCheckpoints(work: string): boolean {
  const checkpoints = join(work, 'checkpoints');
  return existsSync(checkpoints) && readdirSync(checkpoints).some((name) => name !== 'model');
}

async function moveOver(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}

/** Removes what a stage needs only while it works. Checkpoints of models stay: they can be trained on. */
async function forgetWork(work: string): Promise<void> {
  for (const name of WORK_FILES) await rm(join(work, name), { recursive: true, force: true });
  const checkpoints = join(work, 'checkpoints');
  for (const entry of await readdir(checkpoints, { withFileTypes: true }).catch(() => []))
    if (!entry.isDirectory()) await rm(join(checkpoints, entry.name), { force: true });
  await rmdir(checkpoints).catch(() => {});
}

/** Copies checkpoints and metrics of a finished result. @returns the seconds that are in them */
async function copyBeginning(from: string, work: string): Promise<number> {
  await copyFolder(join(from, 'checkpoints'), join(work, 'checkpoints'));
  for (const name of ['metrics.jsonl', 'events.jsonl'])
    if (existsSync(join(from, name))) await copyFile(join(from, name), join(work, name));
  return (await readManifest(from))?.seconds ?? 0;
}
