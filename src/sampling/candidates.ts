/**
 * The batch approximation (see temperature.ts) on patches that are decoded as far as they matter: a patch can
 * only be chosen if enough candidates are
 * equal to it, so a candidate is out as soon as too few share its first tokens. The choice is the one that
 * all tokens would give.
 * B rows · N candidates · K tokens a patch.
 */

import { elementAt } from '../elements.ts';
import type { PatchDraws } from '../models/index.ts';
import { batchWeight, chooseCandidate, type Power, reachedPower } from './temperature.ts';

/** Candidates of one row whose tokens so far are equal: indices among the row's N, ascending. */
type Group = readonly number[];

/**
 * Chooses a patch for each row.
 * @param drawn N·rows patches, candidate by candidate
 * @param power 1/T
 * @param uniform one number in [0, 1) for a row
 * @param pause awaited before candidates are compared, for each number of equal ones that is asked for
 * @returns rows of K token ids
 */
export async function choosePatches(
  drawn: PatchDraws,
  rows: number,
  power: Power,
  uniform: (row: number) => number,
  pause?: () => Promise<void>,
): Promise<Int32Array[]> {
  const patchSize = drawn.tokens.length / drawn.numPatches;
  const numCandidates = drawn.numPatches / rows;
  const chosen = new Array<number>(rows).fill(-1);
  const open = () => chosen.flatMap((candidate, row) => (candidate < 0 ? [row] : []));
  const start = reachedPower(power, numCandidates);
  // With a fraction of a power left, even patches that were drawn once are weighed.
  const fewest = start.rest > 0 && start.whole === 1 ? 1 : 2;
  for (let count = start.whole; count >= fewest && open().length > 0; count--) {
    await pause?.();
    const reached = count === start.whole ? start : { whole: count, rest: 0 };
    for (const [row, groups] of await equalPatches(drawn, rows, open(), count, patchSize)) {
      if (groups.length === 0) continue;
      const candidates = groups.map((group) => ({
        patch: Int32Array.of(elementAt(group, 0)),
        count: group.length,
        weight: batchWeight(group.length, numCandidates, reached),
      }));
      chosen[row] = elementAt(chooseCandidate(candidates, uniform(row)).patch, 0);
    }
  }
  // No two are equal: each is as likely as any other.
  for (const row of open())
    chosen[row] = Math.min(numCandidates - 1, Math.floor(uniform(row) * numCandidates));
  const places = chosen.map((candidate, row) => (candidate * rows + row) * patchSize);
  await drawn.decode(places.flatMap((place) => Array.from({ length: patchSize }, (_, k) => place + k)));
  return places.map((place) => drawn.tokens.slice(place, place + patchSize));
}

/** For each row the groups of at least `count` equal patches, in the order of their first candidates. */
async function equalPatches(
  drawn: PatchDraws,
  rows: number,
  open: readonly number[],
  count: number,
  patchSize: number,
): Promise<Map<number, Group[]>> {
  const all = Array.from({ length: drawn.numPatches / rows }, (_, i) => i);
  const groups = new Map<number, Group[]>(open.map((row) => [row, [all]]));
  for (let k = 0; k < patchSize; k++) {
    const place = (candidate: number, row: number) => (candidate * rows + row) * patchSize + k;
    await drawn.decode(
      [...groups].flatMap(([row, own]) =>
        own.flatMap((group) => group.map((candidate) => place(candidate, row))),
      ),
    );
    for (const [row, own] of groups) {
      const tokenOf = (candidate: number) => drawn.tokens[place(candidate, row)] as number;
      const parts = own.flatMap((group) => split(group, tokenOf));
      groups.set(
        row,
        parts.filter((part) => part.length >= count),
      );
    }
  }
  for (const own of groups.values()) own.sort((a, b) => elementAt(a, 0) - elementAt(b, 0));
  return groups;
}

/** A group parted by the next token. */
function split(group: Group, tokenOf: (candidate: number) => number): Group[] {
  const parts = new Map<number, number[]>();
  for (const candidate of group) {
    const token = tokenOf(candidate);
    const part = parts.get(token);
    if (part) part.push(candidate);
    else parts.set(token, [candidate]);
  }
  return [...parts.values()];
}
