/** What a temperature makes of draws: the choice by the batch approximation, without a new draw. */

import { chooseCandidate, type Power, powerOf, weighCandidates } from '../../sampling/temperature.ts';
import type { DrawnPatch, Draws } from '../model/protocol.ts';

export interface Chance extends DrawnPatch {
  /** Its place among the distinct patches. */
  readonly index: number;
  /** How likely it is chosen at the temperature. */
  readonly chance: number;
}

export interface Choice {
  /** The likeliest first. */
  readonly chances: readonly Chance[];
  /** The place of the patch that is chosen. */
  readonly chosen: number;
  /** n of the power that the draws reach, where it is less than the temperature asks for. */
  readonly reached: number | undefined;
  readonly power: Power;
}

export function choiceAt({ patches, numDraws, uniform, patchOfDraw }: Draws, temperature: number): Choice {
  const power = powerOf(temperature);
  const { candidates, power: reached } = weighCandidates(patchOfDraw, 1, power);
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  const weights = new Map(candidates.map(({ patch, weight }) => [patch[0], weight / total]));
  const chances = patches
    .map((patch, index) => ({ ...patch, index, chance: weights.get(index) ?? 0 }))
    .sort((a, b) => b.chance - a.chance || b.count - a.count);
  // A plain draw is the first one.
  const isPlain = power.whole === 1 && power.rest === 0;
  const [chosen = 0] = isPlain ? patchOfDraw : chooseCandidate(candidates, uniform).patch;
  return {
    chances,
    chosen,
    reached: numDraws > 0 && reached.whole < power.whole ? reached.whole : undefined,
    power,
  };
}
