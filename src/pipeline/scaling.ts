/**
 * How long a training step takes by so many ranks, told from sizes and speeds: what docs/clusters.md measures
 * and predicts. N parameters, R ranks; float32 numbers.
 */

/** Of a model in training. */
export interface StepSize {
  /** Parameters that are trained. */
  readonly parameters: number;
  /** FLOPs of a step, for all ranks together. */
  readonly flops: number;
  /** Parts, sequences say, into which a step can be shared out. */
  readonly parts: number;
}

/** Of one rank. */
export interface RankSpeed {
  /** FLOPs a second, as a training step has them. */
  readonly flops: number;
  /** Bytes a second over the network, in each direction. */
  readonly bandwidth: number;
  /** Seconds that a message is under way. */
  readonly latency: number;
}

export interface StepTime {
  readonly ranks: number;
  /** Seconds of a step of the same batch, and of one that grows with the ranks. */
  readonly strong: Seconds;
  readonly weak: Seconds;
  /** Whether there is a part of the step for every rank: else some have nothing to do. */
  readonly isShared: boolean;
  /** That a rank sends in a step. */
  readonly sentBytes: number;
}

export interface Seconds {
  readonly compute: number;
  readonly exchange: number;
  /** The optimiser, which every rank runs over all parameters. */
  readonly update: number;
  readonly total: number;
  /** The time of one rank, over the ranks, over the time that they take. */
  readonly efficiency: number;
}

const FLOAT_BYTES = 4;
/** Numbers that are exchanged at once (training/sum-exchange.ts). */
const FLOATS_AT_ONCE = 2 ** 24;
/** Of memory, of which every pass over parameters is made: about one core's. */
const MEMORY_BANDWIDTH = 10e9;
/** Passes of AdamW: parameter and two moments read and written, gradient read. */
const UPDATE_PASSES = 7;
/** Passes of the exchange: into a row and out of it, two terms and a sum. */
const EXCHANGE_PASSES = 7;
/** Of a processor for a message that is posted and found to be done. */
const MESSAGE_SECONDS = 5e-6;

/**
 * @param ranks 1 or more
 * @param partsOfWeak how many parts a rank has where the batch grows with the ranks
 */
export function stepTime(
  { parameters, flops, parts }: StepSize,
  speed: RankSpeed,
  ranks: number,
  partsOfWeak: number,
): StepTime {
  const update = (UPDATE_PASSES * FLOAT_BYTES * parameters) / MEMORY_BANDWIDTH;
  const sentBytes = (2 * FLOAT_BYTES * parameters * (ranks - 1)) / ranks;
  const exchange = ranks === 1 ? 0 : exchangeSeconds(parameters, sentBytes, speed, ranks);
  const part = flops / parts / speed.flops;
  const seconds = (compute: number): Omit<Seconds, 'efficiency'> => ({
    ...{ compute, exchange, update },
    total: compute + exchange + update,
  });
  // The rank with most to do decides.
  const [strong, weak] = [seconds(part * Math.ceil(parts / ranks)), seconds(part * partsOfWeak)];
  return {
    ranks,
    strong: { ...strong, efficiency: (part * parts + update) / ranks / strong.total },
    weak: { ...weak, efficiency: (part * partsOfWeak + update) / weak.total },
    isShared: ranks <= parts,
    sentBytes,
  };
}

function exchangeSeconds(
  parameters: number,
  sentBytes: number,
  { bandwidth, latency }: RankSpeed,
  ranks: number,
): number {
  const stretches = Math.ceil(parameters / FLOATS_AT_ONCE);
  // Each stretch: a meeting in rounds, then slices to all and sums from all.
  const messages = 2 * (Math.ceil(Math.log2(ranks)) + 2 * (ranks - 1));
  const rounds = Math.ceil(Math.log2(ranks)) + 2;
  const moved = (EXCHANGE_PASSES * FLOAT_BYTES * parameters) / MEMORY_BANDWIDTH;
  return sentBytes / bandwidth + stretches * (rounds * latency + messages * MESSAGE_SECONDS) + moved;
}

/**
 * Bytes that a rank holds besides batches and activations: parameters, two moments, and gradients as the sums
 * that a tree has open at once, with the one that is received.
 * @param microBatches of a step on one rank
 */
export function stateBytes(parameters: number, microBatches: number, ranks: number): number {
  const sums = Math.floor(Math.log2(microBatches)) + 2 + (ranks > 1 ? 1 : 0);
  return FLOAT_BYTES * parameters * (3 + sums);
}
