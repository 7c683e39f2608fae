/** Values that stand for a map: `head: flow` is short for `head: { name: flow }`. */

/**
 * The map that a path goes down into.
 * @param value what is there now; undefined where it is no map, and short for none
 */
export function asMap(value: unknown): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return {};
  if (typeof value === 'string') return { name: value };
  return typeof value === 'object' ? (value as Record<string, unknown>) : undefined;
}
