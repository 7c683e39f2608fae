/**
 * `--set path=value`: changes a configuration before it is checked. `train-lm.steps=500` means
 * `stages.train-lm.steps=500`.
 */

import { parseDocument } from 'yaml';
import { elementAt } from '../elements.ts';
import {
  overrideMatrix,
  overrideNoMap,
  overrideSyntax,
  overrideUnknownPath,
  overrideWholeStage,
} from '../errors.ts';
import { type ConfigDocument, runConfigSchema } from './config.ts';
import type { Registry } from './registry.ts';
import { asMap } from './short-form.ts';
import { fieldsOf } from './stage-fields.ts';

const TOP_KEYS = Object.keys(runConfigSchema.shape);

/**
 * Applies overrides in order. Values are read as YAML, and as they stand where the key wants text that is not
 * in
 * quotes, or where they are no YAML. Paths that lead nowhere are errors; unknown fields of a stage are found
 * by its schema later.
 */
export function applyOverrides(
  document: ConfigDocument,
  overrides: readonly string[],
  registry?: Registry,
): ConfigDocument {
  const data = structuredClone(document.data);
  for (const text of overrides) applyOverride(data, text, registry);
  const isMoved = overrides.some((text) => /^\s*(name|output)\s*=/.test(text));
  if (!isMoved) return { ...document, data };
  const { runFolder: _, ...moved } = document;
  return { ...moved, data };
}

function applyOverride(data: Record<string, unknown>, text: string, registry: Registry | undefined): void {
  const split = text.indexOf('=');
  if (split <= 0) throw overrideSyntax(text);
  const [path, raw] = [text.slice(0, split).trim(), text.slice(split + 1)];
  const segments = expand(path, data);
  refuseSwept(path, segments, data.matrix);
  const parsed = parsedValue(raw);
  const isQuoted = typeof parsed === 'string' && /^(['"]).*\1$/s.test(raw.trim());
  const value = isQuoted || !wantsText(segments, data, registry) ? parsed : raw;
  const [top, id, ...more] = segments;
  if (top === 'stages' && id !== undefined && more.length === 0) refuseScalar(path, id, value, registry);
  let target = data;
  const outer = segments.slice(0, -1);
  for (const segment of outer) {
    const inner = asMap(Object.hasOwn(target, segment) ? target[segment] : undefined);
    if (!inner) throw overrideNoMap(path, segment, target[segment]);
    // A copy: a record that an alias of YAML shares stays as it is elsewhere.
    const own = { ...inner };
    target[segment] = own;
    target = own;
  }
  target[elementAt(segments, outer.length)] = value;
}

/** The full path; the first segment is a key of the configuration or a stage of it. */
function expand(path: string, data: Record<string, unknown>): string[] {
  const segments = path.split('.').map((segment) => segment.trim());
  // No key of a configuration, but one of every object of the language.
  const strange = segments.find((segment) => segment === '__proto__' || segment === '');
  if (strange !== undefined) throw overrideSyntax(path);
  const stages = Object.keys((data.stages as object | undefined) ?? {});
  const [first = '', second] = segments;
  if (first === 'stages') {
    if (second === undefined || !stages.includes(second))
      throw overrideUnknownPath(path, second ?? 'stages', stages);
    return segments;
  }
  if (stages.includes(first)) return ['stages', ...segments];
  if (TOP_KEYS.includes(first)) return segments;
  throw overrideUnknownPath(path, first, [...TOP_KEYS, ...stages]);
}

/** A key that a matrix sets in every run can't be set besides. */
function refuseSwept(path: string, segments: readonly string[], matrix: unknown): void {
  const short = (segments[0] === 'stages' ? segments.slice(1) : segments).join('.');
  for (const [axis, values] of Object.entries((matrix as Record<string, unknown> | null | undefined) ?? {})) {
    const variants = Array.isArray(values) ? [] : Object.values((values as object | null) ?? {});
    const keys = Array.isArray(values) ? [axis] : variants.flatMap((keys) => Object.keys(keys ?? {}));
    const isSet = (key: string) =>
      key === short || short.startsWith(`${key}.`) || key.startsWith(`${short}.`);
    if (keys.some(isSet)) throw overrideMatrix(path, axis);
  }
}

/** YAML, or the text itself where it is none: `*.txt`, `{`, `@x`. */
function parsedValue(raw: string): unknown {
  const document = parseDocument(raw, { prettyErrors: false });
  if (document.errors.length > 0 || document.warnings.length > 0) return raw;
  try {
    return document.toJS();
  } catch {
    return raw;
  }
}

/** Whether the key that is set takes text and nothing else. */
function wantsText(
  [root, id, field, ...deeper]: readonly string[],
  data: Record<string, unknown>,
  registry: Registry | undefined,
): boolean {
  if (id === undefined)
    return root === 'name' || root === 'engine' || root === 'precision' || root === 'output';
  if (root !== 'stages' || field === undefined || deeper.length > 0) return false;
  const stage = stageOf(id, data, registry);
  const { type, anyOf } = (stage && fieldsOf(stage)[field]) ?? {};
  return type === 'string' || (anyOf?.length ? anyOf.every((choice) => choice.type === 'string') : false);
}

function stageOf(id: string, data: Record<string, unknown>, registry: Registry | undefined) {
  const entry = (data.stages as Record<string, { uses?: unknown } | null> | undefined)?.[id];
  const name = typeof entry?.uses === 'string' ? entry.uses : id;
  return registry?.has(name) ? registry.get(name) : undefined;
}

/** A stage is a map of keys, or nothing; a number for it is a key that was forgotten. */
function refuseScalar(path: string, stage: string, value: unknown, registry: Registry | undefined): void {
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return;
  const fields = registry?.has(stage) ? Object.keys(fieldsOf(registry.get(stage))) : [];
  throw overrideWholeStage(path, fields);
}
