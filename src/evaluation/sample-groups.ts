/**
 * Samples of a window that still agree. Pairs of independent samples count as equal on n tokens where both
 * are in one group after n of them; samples of one
 * group share their prefix, so the model is asked once for all of them, and a sample that is alone is never
 * asked about again.
 */

/** Samples after the same true prefix whose tokens so far are equal. */
export interface SampleGroup {
  readonly row: number;
  readonly window: number;
  /** Indices of the samples. */
  readonly members: readonly number[];
  /** Their tokens so far. */
  readonly path: readonly number[];
}

/** Parts a group by the next token of its members; parts of one member are dropped. */
export function splitGroup(
  group: SampleGroup,
  tokenOf: (member: number, place: number) => number,
): SampleGroup[] {
  const parts = new Map<number, number[]>();
  group.members.forEach((member, place) => {
    const token = tokenOf(member, place);
    const part = parts.get(token);
    if (part) part.push(member);
    else parts.set(token, [member]);
  });
  return [...parts]
    .filter(([, members]) => members.length > 1)
    .map(([token, members]) => ({ ...group, members, path: [...group.path, token] }));
}

/** Pairs of equal samples in a group. */
export function pairsOf({ members }: SampleGroup): number {
  return (members.length * (members.length - 1)) / 2;
}
