/** The settings that are compared. Runs that differ in a seed alone are one. */

import { groupBy } from '../report/group.ts';
import { isSeed } from '../report/rows.ts';
import type { ComparedRun } from './compared-run.ts';
import { type Settings, settingsOf } from './settings.ts';

/** One setting: a column of the tables, a point of the plots. */
export interface Column {
  readonly name: string;
  /** One for each seed. */
  readonly runs: readonly ComparedRun[];
  /** Stage → its settings, of the stages that some run of it has finished. */
  readonly settings: ReadonlyMap<string, Settings>;
}

/** The settings of runs, in the order in which they come. */
export function columnsOf(runs: readonly ComparedRun[]): Column[] {
  const columns: Column[] = [];
  for (const group of groupBy(runs, (run) => `${run.run.folder.directory} ${placeOf(run)}`).values()) {
    const own = columnOf(group);
    const same = columns.find((other) => isSame(other, own));
    if (same) columns[columns.indexOf(same)] = columnOf([...same.runs, ...group]);
    else columns.push(own);
  }
  return withNames(columns, false);
}

/** Each run by itself, whatever it differs in. */
export function columnsApart(runs: readonly ComparedRun[]): Column[] {
  return withNames(
    runs.map((run) => columnOf([run])),
    true,
  );
}

/** The labels of a sweep without seeds. */
function placeOf({ labels }: ComparedRun): string {
  return JSON.stringify(Object.entries(labels).filter(([axis]) => !isSeed(axis)));
}

function columnOf(runs: readonly ComparedRun[]): Column {
  const stages = new Map(runs.toReversed().flatMap((run) => [...run.stages]));
  // In the order of the first run, which is that of its pipeline.
  const order = [...new Set(runs.flatMap((run) => [...run.stages.keys()]))];
  const settings = order.flatMap((base) => {
    const stage = stages.get(base);
    return stage ? [[base, settingsOf(base, stage)] as const] : [];
  });
  return { name: '', runs, settings: new Map(settings) };
}

/** Whether two settings of different runs are the same one. */
function isSame(a: Column, b: Column): boolean {
  const plain = ({ settings }: Column) => [...settings].map(([base, own]) => [base, [...own].sort()]);
  const isOfOneRun = a.runs.some(({ run }) => b.runs.some((other) => other.run === run));
  return !isOfOneRun && JSON.stringify(plain(a)) === JSON.stringify(plain(b));
}

/** Columns with the names of their runs, and with the labels that differ within a run. */
function withNames(columns: readonly Column[], hasSeeds: boolean): Column[] {
  const all = columns.flatMap(({ runs }) => runs);
  const isOneRun = all.every(({ run }) => run === all[0]?.run);
  return columns.map((column) => {
    const names = column.runs.map((one) => {
      const label = labelOf(one, all, hasSeeds);
      return [isOneRun && label ? '' : one.name, label].filter(Boolean).join(' ');
    });
    return { ...column, name: [...new Set(names)].join(', ') };
  });
}

function labelOf({ run, labels }: ComparedRun, all: readonly ComparedRun[], hasSeeds: boolean): string {
  const siblings = all.filter((other) => other.run === run);
  const shown = Object.entries(labels).filter(([axis, label]) => {
    const differs = siblings.some((other) => other.labels[axis] !== label);
    return differs && (hasSeeds || !isSeed(axis));
  });
  return shown.map(([axis, label]) => (isSeed(axis) ? `${axis} ${label}` : label)).join(' · ');
}
