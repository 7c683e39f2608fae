/** Every number of a run, for --verbose. */

import type { StageResult } from '../pipeline/index.ts';
import { formatCount, formatNumber, formatSeconds, formatSetting } from './format.ts';
import { formatTable } from './terminal/table.ts';

/** One row a stage: state, wall time, tokens/s; below, every number that the stages report. */
export function formatRun(results: readonly StageResult[]): string {
  const stages = results.map(({ name, state, seconds, metrics }) => [
    name,
    state,
    formatSeconds(seconds),
    rateOf(metrics),
  ]);
  const measured = results.flatMap(({ name, metrics }) =>
    flatten(metrics).map(([key, value]) => [name, key, value]),
  );
  const parts = [formatTable(['stage', 'state', 'time', 'tokens/s'], stages)];
  if (measured.length) parts.push(formatTable(['stage', 'measure', 'value'], measured));
  return parts.join('\n\n');
}

function rateOf(metrics: Record<string, unknown>): string {
  return typeof metrics.tokensPerSecond === 'number' ? formatCount(metrics.tokensPerSecond) : '';
}

/**
 * Numbers by dotted name; lists of numbers on one line. Rates have a column of their own, and texts are shown
 * elsewhere.
 */
export function flatten(value: unknown, name = ''): [string, string][] {
  if (typeof value === 'number') return name === 'tokensPerSecond' ? [] : [[name, formatNumber(value)]];
  if (Array.isArray(value)) return flattenList(value, name);
  if (!value || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, name ? `${name}.${key}` : key));
}

function flattenList(list: readonly unknown[], name: string): [string, string][] {
  if (list.every((item) => typeof item === 'number'))
    return list.length ? [[name, list.map((item) => formatNumber(item as number)).join('  ')]] : [];
  if (list.some((item) => typeof (item as { text?: unknown })?.text === 'string')) return [];
  return list.flatMap((item) => {
    const [[label, chosen] = ['', 0]] = Object.entries(item as object);
    const [, ...rest] = flatten(item);
    return rest.map(
      ([key, value]) => [`${name}[${label} ${formatSetting(chosen)}].${key}`, value] as [string, string],
    );
  });
}
