/** The numbers that stand for a stage's result, and how values are found in it. */

import type { Manifest } from './manifest.ts';

/** What its labels say, and what the stage itself said. */
export function headlineOf({ labels = {}, metrics, headline }: Manifest): Record<string, number> {
  const labelled = Object.entries(labels).flatMap(([path, { label, isHeadline }]) => {
    const value = isHeadline ? inside(metrics, path) : undefined;
    return typeof value === 'number' ? [[label, value] as const] : [];
  });
  return { ...Object.fromEntries(labelled), ...headline };
}

/** A value in nested ones, by its path. Keys may hold dots themselves. */
export function inside(value: unknown, path: string): unknown {
  if (path === '') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const record = value as Record<string, unknown>;
  if (Object.hasOwn(record, path)) return record[path];
  for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
    const head = path.slice(0, dot);
    const found = Object.hasOwn(record, head) ? inside(record[head], path.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
