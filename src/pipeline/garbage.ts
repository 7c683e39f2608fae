/** What lies in a run folder and nothing needs: unfinished work of other configurations, results of stages that are gone, leftovers of kills. */

import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { Plan } from './plan.ts';
import { readManifest } from './run-folder.ts';
import { foldersIn } from './shared-results.ts';

export interface Garbage {
  readonly path: string;
  /** What removing it gives back; files that another run shares by hard links give nothing. */
  readonly bytes: number;
  readonly why: string;
}

/** Everything in a run folder that its configuration does not need. Changes nothing. */
export async function findGarbage(plan: Plan): Promise<Garbage[]> {
  const found: Garbage[] = [];
  const add = async (path: string, why: string) => found.push({ path, bytes: await bytesBelow(path), why });
  for (const name of await namesIn(join(plan.folder.directory, '.work'))) {
    const why = await whyUnneeded(plan, name);
    if (why) await add(join(plan.folder.directory, '.work', name), why);
  }
  const ids = new Set(plan.stages.map(({ node }) => node.id));
  const taken = await foldersTakenByOthers(plan);
  for (const name of foldersIn(plan.folder.directory)) {
    const path = plan.folder.stage(name);
    const isResult = existsSync(join(path, 'manifest.json'));
    if (isResult && !ids.has(name) && !taken.some((folder) => folder.startsWith(path + sep)))
      await add(path, 'the configuration has no such stage');
  }
  return found;
}

/** Removes what `findGarbage` found. The run must be locked. */
export async function free(garbage: readonly Garbage[]): Promise<void> {
  for (const { path } of garbage) await rm(path, { recursive: true, force: true });
}

/** Why a folder of `.work` is not needed; undefined where it is. */
async function whyUnneeded({ folder, stages }: Plan, name: string): Promise<string | undefined> {
  if (name.endsWith('.old')) return 'an old result that a kill kept from being removed';
  const [id, print] = name.split('~');
  const planned = stages.find(({ node }) => node.id === id);
  if (!planned) return 'unfinished work of a stage that the configuration does not have';
  if (print !== undefined) return `unfinished work of another configuration of ${id}`;
  if (existsSync(join(folder.work(id), 'manifest.json'))) return undefined;
  if (planned.state === 'fresh') return `unfinished work of ${id}, which is fresh`;
  const record = await folder.workRecord(folder.work(id));
  return record?.fingerprint === planned.fingerprint
    ? undefined
    : `unfinished work of another configuration of ${id}`;
}

/** Artifact folders that other runs of the same output folder name as their inputs. */
async function foldersTakenByOthers({ folder }: Plan): Promise<string[]> {
  const output = dirname(folder.directory);
  const taken: string[] = [];
  for (const run of foldersIn(output)) {
    for (const stage of foldersIn(join(output, run))) {
      const manifest = await readManifest(join(output, run, stage)).catch(() => undefined);
      for (const { from } of Object.values(manifest?.inputs ?? {}))
        if (from.includes(sep)) taken.push(resolve(from));
    }
  }
  return taken;
}

async function namesIn(directory: string): Promise<string[]> {
  return existsSync(directory) ? (await readdir(directory)).sort() : [];
}

async function bytesBelow(path: string): Promise<number> {
  const { size, nlink } = await stat(path);
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (!entries) return nlink > 1 ? 0 : size;
  let bytes = 0;
  for (const { name } of entries) bytes += await bytesBelow(join(path, name));
  return bytes;
}
