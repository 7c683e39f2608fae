/** BrierLM's estimates of held-out sequences, batch by batch; all draws follow from the seed. */

import type { PatchModel } from '../models/index.ts';
import { RandomStream } from '../random.ts';
import { inBatches, type Pausing } from './batches.ts';
import { type BrierDraws, type BrierOptions, estimateBrier } from './brier-lm.ts';
import type { BrierBatch } from './brier-score.ts';

export interface BrierScoring extends Omit<BrierOptions, 'targets'>, Pausing {
  readonly sequencesPerBatch?: number;
  /** Told after each batch how many sequences are done. */
  readonly onBatch?: (done: number) => void;
}

export async function scoreBrier(
  model: PatchModel,
  sequences: readonly Int32Array[],
  seed: number,
  { sequencesPerBatch, onBatch, ...options }: BrierScoring = {},
): Promise<BrierBatch[]> {
  const scored: BrierBatch[] = [];
  for await (const { batch, first } of inBatches(sequences, options.pause, sequencesPerBatch)) {
    scored.push(await estimateBrier(model, batch, drawsOf(model, seed, first), options));
    onBatch?.(first + batch.length);
  }
  return scored;
}

/** @param first number of the batch's first sequence */
function drawsOf(model: PatchModel, seed: number, first: number): BrierDraws {
  const stream = (...labels: (string | number)[]) => new RandomStream(seed, ...labels);
  return {
    accuracy: (size) => model.drawNoise(stream('brier', first), size),
    rollout: (_, step, size) => model.drawNoise(stream('brier rollout', first, step), size),
    uniform: ({ row, window, sample }, step) =>
      stream('brier exact', first + row, window, sample, step).nextUniform(),
  };
}
