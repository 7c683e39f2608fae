/** The runs in a folder, each with its state and the few numbers that stand for it. */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { elementAt } from '../elements.ts';
import { messageOf } from '../errors.ts';
import { bytesBelow, foldersIn } from './folders.ts';
import { headlineOf } from './headline.ts';
import { isRunFolder, Run } from './run.ts';

export interface ListedRun {
  readonly name: string;
  readonly directory: string;
  /**
   * `at work`; `done`: every stage of its configuration; `unfinished`: some are missing; `broken`: it can't
   * be read.
   */
  readonly state: 'at work' | 'done' | 'unfinished' | 'broken';
  readonly numDone: number;
  readonly numStages: number;
  readonly bytes: number;
  /** When something last changed in it. */
  readonly changedAt: Date;
  /** Of several runs in one folder, of a sweep, the last one's. */
  readonly headline: Readonly<Record<string, number>>;
  /** Likewise, over all of them. */
  readonly spread: readonly HeadlineSpread[];
  readonly problem?: string;
}

/** A number that stands for a run, from the least to the greatest that its stages have. */
export interface HeadlineSpread {
  readonly name: string;
  readonly isShare?: boolean;
  readonly least: number;
  readonly greatest: number;
}

/** Every run in a folder, the one that changed last first. */
export async function listRuns(root: string): Promise<ListedRun[]> {
  const directories = foldersIn(root)
    .map((name) => join(root, name))
    .filter(isRunFolder);
  const runs = await Promise.all(directories.map(describeRun));
  return runs.sort((a, b) => b.changedAt.getTime() - a.changedAt.getTime());
}

export async function describeRun(directory: string): Promise<ListedRun> {
  const name = directory.split(/[\\/]/).at(-1) ?? directory;
  const facts = {
    name,
    directory,
    bytes: await bytesBelow(directory, true),
    changedAt: changedAt(directory),
  };
  try {
    const run = await Run.open(directory);
    const asked = run.stages.filter(({ isAsked }) => isAsked || run.record === undefined);
    const done = asked.filter(({ isCurrent }) => isCurrent);
    const state = run.folder.owner() ? 'at work' : done.length === asked.length ? 'done' : 'unfinished';
    const headlines = run.stages.map(({ manifest }) => (manifest ? headlineOf(manifest) : {}));
    const headline = Object.assign({}, ...headlines) as Record<string, number>;
    const spread = Object.keys(headline).map((name) => spreadOf(run, name));
    return { ...facts, state, numDone: done.length, numStages: asked.length, headline, spread };
  } catch (error) {
    return { ...facts, state: 'broken', numDone: 0, numStages: 0, ...NO_NUMBERS, problem: messageOf(error) };
  }
}

const NO_NUMBERS = { headline: {}, spread: [] };

/** Of the kind of stage that names it last: what is measured again later counts. */
function spreadOf({ stages }: Run, name: string): HeadlineSpread {
  const naming = stages.flatMap(({ base, manifest }) => {
    const value = manifest && headlineOf(manifest)[name];
    return manifest && value !== undefined ? [{ base, value, labels: manifest.labels ?? {} }] : [];
  });
  const last = elementAt(naming, naming.length - 1);
  const values = naming.filter(({ base }) => base === last.base).map(({ value }) => value);
  const label = Object.values(last.labels).find((own) => own.label === name);
  const unit = label?.isShare ? { isShare: true } : {};
  return { name, ...unit, least: Math.min(...values), greatest: Math.max(...values) };
}

/** The newest of the folder, its stages and what is at work. */
function changedAt(directory: string): Date {
  const places = [
    directory,
    join(directory, '.work'),
    ...foldersIn(directory).map((name) => join(directory, name)),
  ];
  const atWork = foldersIn(join(directory, '.work')).map((name) => join(directory, '.work', name));
  const times = [...places, ...atWork].filter(existsSync).map((path) => statSync(path).mtimeMs);
  return new Date(Math.max(...times));
}
