/**
 * The folder of a run, runs/<name>/:
 *
 *     config.yaml  run.json     the configuration as last run, and the folder that its paths are relative to
 *     <stage>/                  a finished stage: manifest.json, config.yaml, metrics.jsonl, one folder a port. Whole, because it was renamed into place
 *     .work/<stage>/            a stage at work: the same, plus checkpoints/ and work.json
 *     .lock                     the process that works here
 */

import { existsSync, rmSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readJson, syncDirectory, writeJson } from '../artifacts/index.ts';
import { artifactVersion, runLocked } from '../errors.ts';
import { lockOwner, takeLock } from '../process-lock.ts';
import { type FileList, listFiles } from './integrity.ts';

export const MANIFEST_VERSION = 1;

/** What a finished stage says of itself. */
export interface Manifest {
  readonly formatVersion: number;
  readonly stage: string;
  readonly uses: string;
  readonly stageVersion: number;
  readonly fingerprint: string;
  readonly seed: number;
  readonly config: Record<string, unknown>;
  /** Port → where it came from and the fingerprint that this had. */
  readonly inputs: Record<string, { from: string; fingerprint: string }>;
  readonly outputs: Record<string, { kind: string; formatVersion: number }>;
  readonly sources?: unknown;
  /** calm, node, engine and its packages. */
  readonly versions: Record<string, string>;
  readonly seconds: number;
  readonly finishedAt: string;
  /** The stage's summary. */
  readonly metrics: Record<string, unknown>;
  /** Sizes and hashes of its files. */
  readonly files?: FileList;
}

interface WorkRecord {
  readonly fingerprint: string;
  readonly seconds: number;
}

const LOCK_PATIENCE_MS = 10_000;

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

  /** The folder in which a stage works. One that the same configuration left behind keeps its checkpoints and metrics; any other is emptied. */
  async openWork(id: string, fingerprint: string): Promise<{ directory: string; seconds: number }> {
    const directory = this.work(id);
    const record = await readJson<WorkRecord>(join(directory, 'work.json')).catch(() => undefined);
    const canResume = record?.fingerprint === fingerprint;
    if (!canResume) await rm(directory, { recursive: true, force: true });
    await mkdir(join(directory, 'checkpoints'), { recursive: true });
    if (!canResume) await writeJson(join(directory, 'work.json'), { fingerprint, seconds: 0 } satisfies WorkRecord);
    return { directory, seconds: canResume ? record.seconds : 0 };
  }

  /** Remembers the time that an interrupted stage has taken so far. */
  async noteTime(id: string, fingerprint: string, seconds: number): Promise<void> {
    await writeJson(join(this.work(id), 'work.json'), { fingerprint, seconds } satisfies WorkRecord);
  }

  /** Puts a finished stage into place; the old result stands until the new one is whole. */
  async publish(id: string, manifest: Manifest): Promise<void> {
    const work = this.work(id);
    // From here on the stage counts as done: what a kill leaves over is removed by `recover`.
    await writeJson(join(work, 'manifest.json'), { ...manifest, files: await listFiles(work) } satisfies Manifest);
    await this.#moveIntoPlace(id);
  }

  /** The living process that works here, if there is one. */
  owner(): number | undefined {
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
    await rm(join(work, 'checkpoints'), { recursive: true, force: true });
    await rm(join(work, 'work.json'), { force: true });
    await rm(old, { recursive: true, force: true });
    if (existsSync(final)) await rename(final, old);
    await rename(work, final);
    syncDirectory(this.directory);
    await rm(old, { recursive: true, force: true });
  }

  /**
   * Takes the run for this process; returns how to let it go. A lock whose process is dead is taken over. One that is alive is waited for briefly:
   * a killed calm may need a moment to end.
   */
  async lock(): Promise<() => void> {
    await mkdir(join(this.directory, '.work'), { recursive: true });
    const file = join(this.directory, '.lock');
    const deadline = Date.now() + LOCK_PATIENCE_MS;
    for (;;) {
      const owner = takeLock(file);
      if (owner === undefined) return () => rmSync(file, { force: true });
      if (Date.now() > deadline) throw runLocked(this.directory, owner);
      await sleep(200);
    }
  }
}

/** Reads the manifest beside an artifact, for runs and for folders from elsewhere. */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  const file = join(directory, 'manifest.json');
  if (!existsSync(file)) return undefined;
  const manifest = await readJson<Manifest>(file);
  if (manifest.formatVersion !== MANIFEST_VERSION) throw artifactVersion(file, 'manifest', manifest.formatVersion, MANIFEST_VERSION);
  return manifest;
}
