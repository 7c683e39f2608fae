/** `--set path=value`: changes a configuration before it is checked. `train-lm.steps=500` means `stages.train-lm.steps=500`. */

import { parse } from 'yaml';
import { overrideSyntax, overrideUnknownPath } from '../errors.ts';
import { type ConfigDocument, runConfigSchema } from './config.ts';

const TOP_KEYS = Object.keys(runConfigSchema.shape);

/** Applies overrides in order. Values are read as YAML. Paths that lead nowhere are errors; unknown fields of a stage are found by its schema later. */
export function applyOverrides(document: ConfigDocument, overrides: readonly string[]): ConfigDocument {
  const data = structuredClone(document.data);
  for (const text of overrides) applyOverride(data, text);
  return { ...document, data };
}

function applyOverride(data: Record<string, unknown>, text: string): void {
  const split = text.indexOf('=');
  if (split <= 0) throw overrideSyntax(text);
  const path = text.slice(0, split).trim();
  const segments = expand(path, data);
  let target = data;
  for (const segment of segments.slice(0, -1)) {
    target[segment] ??= {};
    if (typeof target[segment] !== 'object') throw overrideUnknownPath(path, segment, Object.keys(target));
    target = target[segment] as Record<string, unknown>;
  }
  target[segments[segments.length - 1]] = parse(text.slice(split + 1));
}

/** The full path; the first segment is a key of the configuration or a stage of it. */
function expand(path: string, data: Record<string, unknown>): string[] {
  const segments = path.split('.').map((segment) => segment.trim());
  const stages = Object.keys((data.stages as object | undefined) ?? {});
  const [first, second] = segments;
  if (first === 'stages') {
    if (second === undefined || !stages.includes(second))
      throw overrideUnknownPath(path, second ?? 'stages', stages);
    return segments;
  }
  if (stages.includes(first) && segments.length > 1) return ['stages', ...segments];
  if (TOP_KEYS.includes(first)) return segments;
  throw overrideUnknownPath(path, first, [...TOP_KEYS, ...stages]);
}
