/**
 * What a config.json says of rotary positions. Older ones have `rope_theta`, and `rope_scaling` where
 * positions are stretched; those of transformers 5 have both in
 * `rope_parameters`. Only plain rotary positions are known here.
 */

import { configUnsupported, ropeConflict } from '../errors.ts';

const PLACES = ['ropeParameters', 'ropeScaling'] as const;

/** Keys of a place that are read, under the names of both styles. */
const KNOWN = {
  theta: ['rope_theta', 'ropeTheta'],
  type: ['rope_type', 'ropeType', 'type'],
  part: ['partial_rotary_factor', 'partialRotaryFactor'],
} as const;

export interface StatedRope {
  /** The base, where it is stated anywhere; of whatever type the file has. */
  readonly ropeTheta?: unknown;
  /** Keys of the two places that nothing here knows. */
  readonly unknown: readonly string[];
}

/**
 * Reads the rotary positions of a configuration in camelCase. Other mathematics is an error, and so is a base
 * that is stated twice with different values.
 */
export function readRope(file: string, stated: Readonly<Record<string, unknown>>): StatedRope {
  const thetas = new Map<string, unknown>();
  if (stated.ropeTheta !== undefined) thetas.set('ropeTheta', stated.ropeTheta);
  const unknown: string[] = [];
  for (const place of PLACES) {
    const record = recordAt(file, stated, place);
    if (!record) continue;
    checkPlain(file, place, record);
    const theta = statedAs(record, KNOWN.theta);
    if (theta !== undefined) thetas.set(`${place}.ropeTheta`, theta);
    const known: readonly string[] = Object.values(KNOWN).flat();
    const others = Object.keys(record).filter((key) => !known.includes(key));
    unknown.push(...others.map((key) => `${place}.${key}`));
  }
  const [first, ...others] = thetas;
  if (!first) return { unknown };
  const other = others.find(([, theta]) => theta !== first[1]);
  if (other) throw ropeConflict(file, first, other);
  return { unknown, ropeTheta: first[1] };
}

function recordAt(
  file: string,
  stated: Readonly<Record<string, unknown>>,
  place: string,
): Record<string, unknown> | undefined {
  const value = stated[place] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw configUnsupported(file, place, value, null);
  return value as Record<string, unknown>;
}

function statedAs(record: Readonly<Record<string, unknown>>, names: readonly string[]): unknown {
  return names.map((name) => record[name]).find((value) => value !== undefined && value !== null);
}

/** A type that is not stated is the default, unless something else in the record has need of another. */
function checkPlain(file: string, place: string, record: Readonly<Record<string, unknown>>): void {
  const types = KNOWN.type.map((name) => record[name]).filter((type) => type !== undefined && type !== null);
  const other = types.find((type) => type !== 'default');
  if (other !== undefined) throw configUnsupported(file, `${place}.ropeType`, other, 'default');
  const part = statedAs(record, KNOWN.part);
  if (part !== undefined && part !== 1)
    throw configUnsupported(file, `${place}.partialRotaryFactor`, part, 1);
  const isScaled = Object.entries(record).some(
    ([key, value]) => /factor$/i.test(key) && !(KNOWN.part as readonly string[]).includes(key) && value !== 1,
  );
  // A record for each type of layer, or a factor whose meaning the type would say.
  if (
    Object.values(record).some((value) => value && typeof value === 'object') ||
    (isScaled && !types.length)
  )
    throw configUnsupported(file, place, record, { rope_type: 'default' });
}
