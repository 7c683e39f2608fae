/** What is compared: runs, and the runs of a sweep, each with the stages that it has finished. */

import { dirname } from 'node:path';
import { elementAt } from '../../elements.ts';
import type { Labels } from '../../pipeline/index.ts';
import type { Manifest, Run, RunStage } from '../../runs/index.ts';

/** A finished stage of a run. */
export interface FinishedStage extends RunStage {
  readonly manifest: Manifest;
}

/** A run that is no sweep, or one run of a sweep. */
export interface ComparedRun {
  readonly run: Run;
  /** The run's name; with as much of its path as tells it from the others. */
  readonly name: string;
  /** The labels of the matrix; none where there is no matrix. */
  readonly labels: Labels;
  /** Stage, by its name in the configuration → its result. */
  readonly stages: ReadonlyMap<string, FinishedStage>;
}

/** Runs one by one, those that have finished nothing left out. A folder that is named twice counts once. */
export function comparedRuns(runs: readonly Run[]): ComparedRun[] {
  const distinct = runs.filter(
    ({ folder }, i) => runs.findIndex((other) => other.folder.directory === folder.directory) === i,
  );
  const names = namesOf(distinct);
  const all = distinct.flatMap((run, i) => {
    const name = elementAt(names, i);
    return run.cells.map(({ labels, ids }) => ({ run, name, labels, stages: finishedOf(run, ids) }));
  });
  return all.filter(({ stages }) => stages.size > 0);
}

function finishedOf(run: Run, ids: Readonly<Record<string, string>>): Map<string, FinishedStage> {
  const found = Object.entries(ids).flatMap(([base, id]) => {
    const stage = run.stage(id);
    const counts = stage?.manifest && (stage.isAsked || run.record === undefined);
    return counts ? [[base, stage as FinishedStage] as const] : [];
  });
  return new Map(found);
}

/** Names of folders, and as many of the folders around them as tell them apart. */
export function namesOf(runs: readonly Run[]): string[] {
  let places = runs.map(({ name, folder }) => ({ name, parent: dirname(folder.directory) }));
  const isTwice = (name: string) => places.filter((other) => other.name === name).length > 1;
  while (places.some(({ name, parent }) => isTwice(name) && parent !== dirname(parent)))
    places = places.map(({ name, parent }) =>
      isTwice(name)
        ? { name: `${parent.split(/[\\/]/).at(-1)}/${name}`, parent: dirname(parent) }
        : { name, parent },
    );
  return places.map(({ name }) => name);
}
