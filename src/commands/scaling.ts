/** `calm cost --ranks`: how long a step takes by more and more ranks. */

import { Flags } from '@oclif/core';
import { rankListInvalid } from '../errors.ts';
import { type ModelCost, type StepTime, stateBytes, stepTime, type totalsOf } from '../pipeline/index.ts';
import { formatBytes, formatShare } from '../reporting/format.ts';
import { formatTable } from '../reporting/terminal/table.ts';
import { columnsOf, wrap } from '../reporting/terminal/width.ts';

export const scalingFlags = {
  ranks: Flags.string({
    description: 'how long a step takes by these numbers of ranks, told from the speeds below',
    helpValue: 'N,N,…',
  }),
  rate: Flags.integer({
    description: 'of a rank: GFLOPs a second of a training step',
    helpValue: 'GFLOPS',
    default: 100,
    min: 1,
  }),
  bandwidth: Flags.integer({
    description: 'of a rank: gigabits a second over the network',
    helpValue: 'GBIT',
    default: 10,
    min: 1,
  }),
  latency: Flags.integer({
    description: 'microseconds that a message is under way',
    helpValue: 'MICROSECONDS',
    default: 50,
    min: 0,
  }),
};

interface Speeds {
  readonly rate: number;
  readonly bandwidth: number;
  readonly latency: number;
}

export interface Scaling {
  readonly cost: ModelCost;
  /** Of a step, for all ranks together. */
  readonly tokens: number;
  readonly parts: number;
  readonly times: readonly StepTime[];
  /** Of a rank, besides batches and activations, where it has one micro-batch. */
  readonly stateBytes: number;
}

/** "8,64" → [8, 64]. */
export function ranksListed(text: string): number[] {
  const ranks = text.split(',').map((part) => Number(part.trim()));
  if (!ranks.every((number) => Number.isInteger(number) && number >= 1)) throw rankListInvalid(text);
  return ranks;
}

/** Of the models whose stages say what a step holds. */
export function scalingOf(
  models: readonly (ModelCost & { readonly total: ReturnType<typeof totalsOf> })[],
  ranks: readonly number[],
  { rate, bandwidth, latency }: Speeds,
): Scaling[] {
  const speed = { flops: 1e9 * rate, bandwidth: (1e9 * bandwidth) / 8, latency: 1e-6 * latency };
  return models.flatMap(({ total, ...cost }) => {
    if (!cost.step) return [];
    const { tokens, parts } = cost.step;
    const size = { parameters: total.parameters, flops: tokens * total.trainingFlopsPerToken, parts };
    // A batch that grows begins as each rank's share at the fewest ranks.
    const partsOfWeak = Math.max(1, Math.ceil(parts / Math.min(...ranks)));
    const times = ranks.map((number) => stepTime(size, speed, number, partsOfWeak));
    return [{ cost, tokens, parts, times, stateBytes: stateBytes(total.parameters, 1, 2) }];
  });
}

export function formatScaling({ times, parts, stateBytes: bytes }: Scaling, name: string): string {
  const rows = times.map(({ ranks, strong, weak, sentBytes, isShared }) => [
    isShared ? String(ranks) : `${ranks} (of use: ${parts})`,
    formatStep(strong.total),
    formatShare(strong.exchange / strong.total),
    formatShare(strong.update / strong.total),
    formatShare(strong.efficiency),
    formatStep(weak.total),
    formatShare(weak.efficiency),
    formatBytes(sentBytes),
  ]);
  const heads = [
    'ranks',
    'step',
    'exchange',
    'update',
    'efficiency',
    'weak: step',
    'efficiency',
    'sent a rank',
  ];
  const title = wrap('', `${name}: ${formatBytes(bytes)} a rank besides batches`, columnsOf(process.stdout));
  return `${title}\n${formatTable(heads, rows)}`;
}

/** Three digits. */
function formatStep(seconds: number): string {
  return seconds < 1 ? `${(1000 * seconds).toPrecision(3)} ms` : `${Number(seconds.toPrecision(3))} s`;
}
