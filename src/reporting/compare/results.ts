/** What was measured of each setting: seeds as their mean and spread, the better one by its direction. */

import { extent, mean } from 'simple-statistics';
import { totalsOf } from '../../pipeline/index.ts';
import type { Manifest } from '../../runs/index.ts';
import { measureName } from '../report/names.ts';
import { isInterval, measuresIn } from '../report/values.ts';
import type { Column } from './columns.ts';
import type { ComparedRun } from './compared-run.ts';

/** What one setting has of a measure. */
export interface Measured {
  /** Of several seeds the mean; null where it is not finite. */
  readonly value: number | null;
  /** The interval of a single result, or the least and the greatest of several. */
  readonly range?: readonly [low: number, high: number];
  /** Of how many results it is the mean. */
  readonly count: number;
}

export interface Result {
  /** The stage by its name in the configuration; none where it is of the run as a whole. */
  readonly stage?: string;
  readonly label: string;
  readonly unit?: 'seconds' | 'fraction';
  /** Which way it is better, where its stage says so. */
  readonly better?: 'higher' | 'lower';
  /** One for each column; undefined where it was not measured. */
  readonly values: readonly (Measured | undefined)[];
  /** The columns that are the best; none where all are equal, or where no direction is known. */
  readonly best: readonly number[];
  /** Whether the range of the best overlaps none of another. */
  readonly isClear: boolean;
  /** Whether it is among the few numbers that stand for a run. */
  readonly isHeadline: boolean;
}

/**
 * The measures that have a name and a direction, what they are held against, and what the runs cost. Where
 * several stages have a measure, the last one counts: the evaluation after the training.
 * @param hasAll every other number as well
 */
export function resultsOf(columns: readonly Column[], hasAll = false): Result[] {
  const found = columns.map(({ runs }) => runs.map((run) => numbersOf(run, hasAll)));
  const keys = [...new Set(found.flat().flatMap((numbers) => [...numbers.keys()]))];
  const measured = keys.map((key): Result => {
    const all = found.map((runs) => runs.flatMap((numbers) => numbers.get(key) ?? []));
    const { stage, label, better, isShare } = all.flat().at(-1) as Found;
    const values = all.map(together);
    return {
      stage,
      label,
      ...(better ? { better } : {}),
      ...(isShare ? { unit: 'fraction' } : {}),
      values,
      ...bestOf(values, better),
      isHeadline: all.flat().some(({ isHeadline }) => isHeadline),
    };
  });
  const named = measured.map((result) => withStage(result, measured));
  const first = named.filter(({ isHeadline }) => isHeadline);
  return [...first, ...named.filter(({ isHeadline }) => !isHeadline), ...costsIn(columns)];
}

/** Names that several stages have are told apart; what stands for the run keeps its name. */
function withStage(result: Result, all: readonly Result[]): Result {
  const isTwice = all.filter(({ label }) => label === result.label).length > 1;
  return isTwice && !result.isHeadline ? { ...result, label: `${result.label} (${result.stage})` } : result;
}

/** A number of a stage, with what it is called there. */
interface Found {
  readonly stage: string;
  readonly label: string;
  readonly better?: 'higher' | 'lower';
  readonly isShare?: boolean;
  readonly isHeadline: boolean;
  /** Whether it means something in its stage alone: a loss that is trained, a count. */
  readonly isOfStage: boolean;
  /** Null where it is not finite. */
  readonly value: number | null;
  readonly interval?: unknown;
  /** The result that it is of: what several runs share counts once. */
  readonly source: string;
}

/** By what is compared: a measure's label; stage and label of what means something in its stage alone. */
function numbersOf({ stages }: ComparedRun, hasAll: boolean): Map<string, Found> {
  const numbers = new Map<string, Found>();
  for (const [base, { manifest }] of stages)
    for (const found of numbersIn(base, manifest, hasAll)) {
      const key = found.isOfStage ? `${base}: ${found.label}` : found.label;
      numbers.delete(key);
      numbers.set(key, found);
    }
  return numbers;
}

function numbersIn(stage: string, manifest: Manifest, hasAll: boolean): Found[] {
  const { metrics, labels = {}, headline = {}, fingerprint: source } = manifest;
  const references = Object.values(labels).flatMap((label) => label.references ?? []);
  const baselines = new Set(references.map(({ value }) => value));
  const measured = measuresIn(metrics).flatMap(({ path, value, interval }): Found[] => {
    if (typeof value !== 'number' && value !== null) return [];
    const key = path.join('.');
    const { better, isShare, isCurve, isHeadline = false } = labels[key] ?? {};
    if (!better && !isHeadline && !hasAll) return [];
    // What results are held against is nobody's merit.
    const direction = better && !baselines.has(key) ? { better } : {};
    const label = measureName(path, labels);
    const isOfStage = !isHeadline && (!better || isCurve === true);
    const known = { stage, label, ...direction, ...(isShare ? { isShare } : {}), isHeadline, isOfStage };
    return [{ ...known, value, interval, source }];
  });
  const names = new Set(measured.map(({ label }) => label));
  const said = Object.entries(headline).filter(([label]) => !names.has(label));
  const known = { stage, isHeadline: true, isOfStage: false, source };
  return [...measured, ...said.map(([label, value]) => ({ ...known, label, value }))];
}

/** Several results of one setting: their mean with its spread. */
function together(all: readonly Pick<Found, 'value' | 'interval' | 'source'>[]): Measured | undefined {
  const found = all.filter(({ source }, i) => all.findIndex((other) => other.source === source) === i);
  const [only] = found;
  if (!only) return undefined;
  const values = found.flatMap(({ value }) => (value === null ? [] : [value]));
  if (values.length < found.length) return { value: null, count: found.length };
  if (found.length > 1) return { value: mean(values), range: extent(values), count: found.length };
  const { value, interval } = only;
  return { value, ...(isInterval(interval) ? { range: interval } : {}), count: 1 };
}

function bestOf(
  values: readonly (Measured | undefined)[],
  better: Found['better'],
): Pick<Result, 'best' | 'isClear'> {
  const finite = values.flatMap((one, i) =>
    one && one.value !== null ? [{ ...one, value: one.value, i }] : [],
  );
  if (!better || finite.length < 2) return { best: [], isClear: false };
  const [least, greatest] = extent(finite.map(({ value }) => value));
  if (least === greatest) return { best: [], isClear: false };
  const best = finite.filter(({ value }) => value === (better === 'higher' ? greatest : least));
  const others = finite.filter(({ i }) => !best.some((one) => one.i === i));
  const ends = ({ value, range = [value, value] }: (typeof finite)[number]) => range;
  const isClear = best.every((one) =>
    others.every((other) => ends(one)[0] > ends(other)[1] || ends(one)[1] < ends(other)[0]),
  );
  return { best: best.map(({ i }) => i), isClear };
}

/** Parameters and FLOPs of the model that was trained last, and the time that all stages took. */
function costsIn(columns: readonly Column[]): Result[] {
  const seconds = ({ stages }: ComparedRun) =>
    [...stages.values()].reduce((sum, { manifest }) => sum + manifest.seconds, 0);
  const rowOf = (label: string, of: (run: ComparedRun) => number | undefined): Result => {
    const found = columns.map(({ runs }) => runs.flatMap((run) => of(run) ?? []));
    const values = found.map((numbers) =>
      together(numbers.map((value, i) => ({ value, source: String(i) }))),
    );
    return { label, values, best: [], isClear: false, isHeadline: false };
  };
  return [
    rowOf('parameters', (run) => lastModel(run)?.parameters),
    rowOf('training FLOPs', (run) => lastModel(run)?.trainingFlops),
    { ...rowOf('time', seconds), unit: 'seconds' } as const,
  ].filter(({ values }) => values.some(Boolean));
}

function lastModel({ stages }: ComparedRun) {
  const cost = [...stages.values()].findLast(({ manifest }) => manifest.cost)?.manifest.cost;
  return cost && totalsOf({ parts: cost.parts, trainingTokens: cost.trainingTokens });
}
