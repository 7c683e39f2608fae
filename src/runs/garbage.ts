/**
 * What lies in a run folder and its present results do not need: results kept from other configurations,
 * unfinished
 * work of them, results of stages that are gone, checkpoints of finished models, leftovers of kills.
 */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { bytesBelow, foldersIn } from './folders.ts';
import { MANIFEST_FILE, type Manifest, readManifest } from './manifest.ts';
import type { Run, RunStage } from './run.ts';

/**
 * `kept`: a finished result of another configuration. `checkpoints`: what a finished model can be trained on
 * from.
 */
export type GarbageKind = 'leftover' | 'unfinished' | 'kept' | 'checkpoints';

export interface Garbage {
  readonly path: string;
  readonly kind: GarbageKind;
  /** What removing it gives back; files that another run shares by hard links give nothing. */
  readonly bytes: number;
  readonly why: string;
}

/** Everything in a run folder that its results do not need. Changes nothing. */
export async function findGarbage(run: Run): Promise<Garbage[]> {
  const found: Garbage[] = [];
  const add = async (path: string, kind: GarbageKind, why: string) => {
    if (existsSync(path)) found.push({ path, kind, bytes: await bytesBelow(path), why });
  };
  const work = join(run.folder.directory, '.work');
  for (const name of foldersIn(work)) {
    const [kind, why] = (await whyUnneeded(run, name)) ?? [];
    if (kind && why) await add(join(work, name), kind, why);
  }
  for (const { directory, manifest } of await run.folder.keptResults())
    await add(
      directory,
      'kept',
      `a result of ${manifest.stage} with ${whatDiffers(run.stage(manifest.stage), manifest)}`,
    );
  const taken = await foldersTakenByOthers(run);
  for (const stage of run.stages) {
    const path = run.folder.stage(stage.id);
    if (!run.record || stage.isAsked || taken.some((folder) => folder.startsWith(path + sep)))
      await add(
        join(path, 'checkpoints'),
        'checkpoints',
        `to train ${stage.id} on, or to sample its earlier steps`,
      );
    else await add(path, 'leftover', 'the configuration has no such stage');
  }
  return found;
}

/** Removes what `findGarbage` found. The run must be locked. */
export async function free(garbage: readonly Garbage[]): Promise<void> {
  for (const { path } of garbage) await rm(path, { recursive: true, force: true });
}

/** Why a folder of `.work` is not needed; undefined where it is. */
async function whyUnneeded(run: Run, name: string): Promise<[GarbageKind, string] | undefined> {
  if (name.endsWith('.old')) return ['leftover', 'an old result that a kill kept from being removed'];
  if (name.startsWith('ask~')) return ['unfinished', `an unfinished answer of ${name.split('~')[1]}`];
  const [id = '', print] = name.split('~');
  const stage = run.stage(id);
  if (!stage || (run.record && !stage.isAsked))
    return ['leftover', 'unfinished work of a stage that the configuration does not have'];
  if (print !== undefined) return ['unfinished', `unfinished work of another configuration of ${id}`];
  const directory = run.folder.work(id);
  if (existsSync(join(directory, MANIFEST_FILE))) return undefined;
  if (stage.isCurrent) return ['leftover', `unfinished work of ${id}, which is up to date`];
  const asked = run.record?.stages.find((recorded) => recorded.id === id)?.fingerprint;
  const { fingerprint } = (await run.folder.workRecord(directory)) ?? {};
  if (asked === undefined || fingerprint === asked) return undefined;
  return ['unfinished', `unfinished work of another configuration of ${id}`];
}

/** "steps 30, seed 2": the fields of a kept result that the one in place has otherwise. */
function whatDiffers(stage: RunStage | undefined, kept: Manifest): string {
  const now = stage?.manifest;
  if (!now) return `seed ${kept.seed}`;
  const fields = Object.keys(kept.config).filter(
    (field) => JSON.stringify(kept.config[field]) !== JSON.stringify(now.config[field]),
  );
  const said = fields.map((field) => `${field} ${JSON.stringify(kept.config[field])}`);
  if (kept.seed !== now.seed) said.push(`seed ${kept.seed}`);
  return said.length > 0 ? said.join(', ') : 'other inputs';
}

/** Artifact folders that other runs beside this one name as their inputs. */
async function foldersTakenByOthers({ folder }: Run): Promise<string[]> {
  const root = dirname(folder.directory);
  const taken: string[] = [];
  for (const name of foldersIn(root)) {
    for (const stage of foldersIn(join(root, name))) {
      const manifest = await readManifest(join(root, name, stage)).catch(() => undefined);
      for (const { from } of Object.values(manifest?.inputs ?? {}))
        if (isAbsolute(from)) taken.push(resolve(from));
    }
  }
  return taken;
}
