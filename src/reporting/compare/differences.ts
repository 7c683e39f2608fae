/** What differs in the configurations of what is compared, and in what they were run with. */

import type { Column } from './columns.ts';
import type { FinishedStage } from './compared-run.ts';

export interface Difference {
  /** `train-lm.learningRate`; a stage by its name, where some have it and others have not. */
  readonly key: string;
  /** One for each column; undefined where it has no such key. */
  readonly values: readonly (string | undefined)[];
}

export function differencesOf(columns: readonly Column[]): Difference[] {
  const bases = [...new Set(columns.flatMap(({ settings }) => [...settings.keys()]))];
  return [
    ...bases.flatMap((base) => differencesIn(base, columns)),
    ...differing('seed', columns.map(seedsOf)),
    ...differing(
      'engine',
      columns.map((column) => versionsOf(column, 'engine')),
    ),
    ...differing(
      'calm',
      columns.map((column) => versionsOf(column, 'calm')),
    ),
  ];
}

/** A stage that some have not finished is one line, and its keys are those of the others. */
function differencesIn(base: string, columns: readonly Column[]): Difference[] {
  const having = columns.filter(({ settings }) => settings.has(base));
  const keys = [...new Set(having.flatMap(({ settings }) => [...(settings.get(base)?.keys() ?? [])]))];
  const there = columns.map(({ settings }) => (settings.has(base) ? 'yes' : undefined));
  return [
    ...differing(base, there),
    ...keys.flatMap((key) => {
      const settingIn = ({ settings }: Column) => settings.get(base)?.get(key);
      const isSame = new Set(having.map(settingIn)).size < 2;
      return isSame ? [] : [{ key, values: columns.map(settingIn) }];
    }),
  ];
}

function differing(key: string, values: readonly (string | undefined)[]): Difference[] {
  return new Set(values).size > 1 ? [{ key, values }] : [];
}

const stagesOf = ({ runs }: Column): FinishedStage[] => runs.flatMap(({ stages }) => [...stages.values()]);

/** The last stage has the run's own seed; one that draws nothing may come from another run. */
function seedsOf(column: Column): string | undefined {
  return inWords(column.runs.flatMap(({ stages }) => String([...stages.values()].at(-1)?.manifest.seed)));
}

function versionsOf(column: Column, name: string): string | undefined {
  return inWords(stagesOf(column).flatMap(({ manifest }) => manifest.versions[name] ?? []));
}

function inWords(values: readonly string[]): string | undefined {
  return [...new Set(values)].sort().join(', ') || undefined;
}
