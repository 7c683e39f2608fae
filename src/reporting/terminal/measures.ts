/** Measures in words: a number, its interval, and whether it is better than what it is compared with. */

import { isNonEmpty, type NonEmpty } from '../../elements.ts';
import { inside, type Label, type Labels } from '../../runs/index.ts';
import { formatNumber, formatShare } from '../format.ts';
import { intervalPath } from '../report/values.ts';
import { formatTable } from './table.ts';
import { wrap } from './width.ts';

type Metrics = Readonly<Record<string, unknown>>;

/** Whether a number is better than another: `unclear` where that one lies in its interval. */
type Verdict = 'better' | 'unclear' | 'not better';

interface Comparison {
  readonly label: string;
  readonly value: number;
  readonly verdict: Verdict;
  readonly advice?: string | undefined;
}

/** A labelled number of a stage's results. */
export interface Measured extends Pick<Label, 'label' | 'better' | 'isShare'> {
  /** Several of a list such as Brier-1 … 4; NaN where it is no finite number. */
  readonly values: Readonly<NonEmpty<number>>;
  readonly interval?: readonly [low: number, high: number] | undefined;
  readonly comparisons: readonly Comparison[];
}

/** The labelled numbers that the results hold. @param isWanted which labels; all where absent */
export function measuredIn(
  labels: Labels,
  metrics: Metrics,
  isWanted: (label: Label) => boolean = () => true,
): Measured[] {
  return Object.entries(labels)
    .filter(([, label]) => isWanted(label))
    .flatMap(([path, label]) => {
      const values = numbersOf(inside(metrics, path));
      return values ? [measuredAs(path, label, values, metrics)] : [];
    });
}

function measuredAs(path: string, label: Label, values: NonEmpty<number>, metrics: Metrics): Measured {
  const interval = intervalOf(inside(metrics, intervalPath(path)));
  const { label: name, isShare, better, references = [] } = label;
  const comparisons = references.flatMap(({ value, ...reference }) => {
    const against = typeof value === 'number' ? value : inside(metrics, value);
    if (typeof against !== 'number' || !better) return [];
    return [{ ...reference, value: against, verdict: compare(values[0], interval, against, better) }];
  });
  return { label: name, isShare, better, values, interval, comparisons };
}

/** One number or several; null, which JSON has for what is not finite, becomes NaN. */
function numbersOf(value: unknown): NonEmpty<number> | undefined {
  if (typeof value === 'number') return [value];
  if (value === null) return [Number.NaN];
  const isList = Array.isArray(value) && isNonEmpty<unknown>(value);
  return isList && value.every((item) => typeof item === 'number') ? (value as NonEmpty<number>) : undefined;
}

function intervalOf(value: unknown): [number, number] | undefined {
  const numbers = numbersOf(value);
  return numbers?.length === 2 ? (numbers as [number, number]) : undefined;
}

function compare(
  value: number,
  interval: readonly [number, number] | undefined,
  against: number,
  better: 'higher' | 'lower',
): Verdict {
  const sign = better === 'higher' ? 1 : -1;
  if (!(sign * value > sign * against)) return 'not better';
  const least = better === 'higher' ? interval?.[0] : interval?.[1];
  return least === undefined || sign * least > sign * against ? 'better' : 'unclear';
}

/** 99.98 %, 6.321. */
export function formatMeasure(value: number, isShare = false): string {
  return isShare ? formatShare(value) : formatNumber(value);
}

/** `BrierLM ↑`: higher is better. */
export function nameOf({ label, better }: Pick<Measured, 'label' | 'better'>): string {
  return better ? `${label} ${better === 'higher' ? '↑' : '↓'}` : label;
}

/** A row for each measure. The columns of intervals and comparisons are there where a measure has them. */
export function measureTable(measures: readonly Measured[], columns: number): string {
  if (measures.length === 0) return '';
  const hasInterval = measures.some(({ interval }) => interval);
  const head = ['  measure', `value${hasInterval ? ' (95 % interval)' : ''}`, 'compared with'];
  const rows = measures.map((measure) => [
    `${MARKS[verdictOn(measure) ?? 'none']} ${nameOf(measure)}`,
    formatMeasured(measure),
    measure.comparisons
      .map(({ label, value }) => `${label} ${formatMeasure(value, measure.isShare)}`)
      .join(', '),
  ]);
  return formatTable(head, rows, columns, { hasRule: false });
}

const MARKS = { better: '✔', unclear: '≈', 'not better': '✖', none: ' ' };

/** 6.321 (5.441 … 6.991). */
function formatMeasured({ values, isShare, interval }: Measured): string {
  const shown = values.map((value) => formatMeasure(value, isShare)).join('  ');
  return interval ? `${shown} (${interval.map((end) => formatMeasure(end, isShare)).join(' … ')})` : shown;
}

/** The worst verdict of all comparisons; undefined where there is none. */
function verdictOn({ comparisons, values }: Measured): Verdict | undefined {
  if (values.some((value) => Number.isNaN(value))) return 'not better';
  const order = ['not better', 'unclear', 'better'] as const;
  return order.find((verdict) => comparisons.some((comparison) => comparison.verdict === verdict));
}

/** What all of it comes to: that it is good, or what to do about the first that is not. */
export function verdictLine(measures: readonly Measured[], columns: number): string | undefined {
  const compared = measures.filter((measure) => verdictOn(measure) !== undefined);
  const bad = compared.find((measure) => verdictOn(measure) !== 'better');
  if (compared.length === 0) return undefined;
  if (!bad) return wrap('  ', 'Good: better than everything it is compared with.', columns);
  const advice = bad.comparisons.find(({ verdict }) => verdict === 'not better')?.advice;
  const unclear = 'not clearly better; evaluate on more text';
  return wrap(
    '  → ',
    `${bad.label}: ${advice ?? (verdictOn(bad) === 'unclear' ? unclear : 'not good')}`,
    columns,
  );
}
