/** Values of results and configurations in words. */

import { formatNumber } from '../format.ts';
import { isRecord } from './rows.ts';

export const NONE = '–';

export function formatValue(value: unknown, between = ', '): string {
  if (value === undefined) return NONE;
  if (value === null) return 'not finite';
  if (typeof value === 'number') return Math.abs(value) >= 1e7 ? value.toExponential(2) : formatNumber(value);
  if (Array.isArray(value)) return value.map((item) => formatItem(item)).join(between);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function formatItem(item: unknown): string {
  if (typeof item === 'number') return item.toPrecision(3);
  return typeof item === 'object' && item !== null ? JSON.stringify(item) : formatValue(item);
}

/** Settings as they are written: no digit is left out. */
export function formatSetting(value: unknown): string {
  if (value === undefined) return NONE;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Nested settings by their paths, as they are written; lists of plain values are one. */
export function flatSettings(value: unknown, path = ''): [path: string, value: string][] {
  const isNested = isRecord(value) || (Array.isArray(value) && value.some(isRecord));
  if (!isNested || Object.keys(value).length === 0) return [[path, formatSetting(value)]];
  return Object.entries(value).flatMap(([key, inner]) => flatSettings(inner, path ? `${path}.${key}` : key));
}

/** 5.44 … 6.99; empty where there is no interval. */
export function formatInterval(value: unknown): string {
  return isInterval(value) ? value.map(formatNumber).join(' … ') : '';
}

export function isInterval(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((end) => typeof end === 'number');
}

/** Where a result has the interval of one of its values: brierlm.brierLM → brierlm.interval.brierLM. */
export function intervalPath(path: string): string {
  const parts = path.split('.');
  return [...parts.slice(0, -1), 'interval', parts.at(-1)].join('.');
}

/** 99.95 %. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/**
 * The values of nested results by their paths, each with its interval. Intervals' other facts, and lists of
 * objects, are left out.
 */
export function measuresIn(
  metrics: Readonly<Record<string, unknown>>,
  before: readonly string[] = [],
): { path: readonly string[]; value: unknown; interval: unknown }[] {
  const intervals = isRecord(metrics.interval) ? metrics.interval : {};
  return Object.entries(metrics).flatMap(([key, value]) => {
    const path = [...before, key];
    if (key === 'interval') return [];
    if (isRecord(value)) return measuresIn(value, path);
    if (Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null)) return [];
    return [{ path, value, interval: intervals[key] }];
  });
}
