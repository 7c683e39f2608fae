/** Cross-entropy and perplexity of the discrete baseline on held-out sequences. B rows · T tokens. */

import {
  type CompiledStep,
  disposeTree,
  type Engine,
  intTensor,
  type Tensor,
  type TensorMap,
} from '../engine/index.ts';
import { type TransformerConfig, transformerLoss } from '../models/index.ts';
import { RandomStream } from '../random.ts';
import { inBatches, joinRows, type Pause } from './batches.ts';
import { estimateBrierExactly, type LikelyModel } from './brier-exact.ts';
import type { BrierBatch } from './brier-score.ts';

type Inputs = { readonly parameters: TensorMap; readonly ids: Tensor; readonly targets: Tensor };

/** Measures one model again and again. */
export class CrossEntropy {
  readonly #sequences: readonly Int32Array[];
  readonly #run: CompiledStep<Inputs, { loss: Tensor }>;

  /** @param sequences token ids of one length */
  constructor(engine: Engine, config: TransformerConfig, sequences: readonly Int32Array[]) {
    this.#sequences = sequences;
    this.#run = engine.compile((given: Inputs) => ({
      loss: transformerLoss(given.parameters, config, given.ids, given.targets),
    }));
  }

  /** Nats a token, averaged over all tokens but the first of each sequence; lower is better. Its exponential is the perplexity. @param pause awaited between batches */
  async measure(parameters: TensorMap, pause?: Pause): Promise<number> {
    let sum = 0;
    for await (const { batch: rows } of inBatches(this.#sequences, pause)) {
      const ids = joinRows(rows.map((row) => row.subarray(0, row.length - 1)));
      const targets = intTensor(Int32Array.from(rows.flatMap((row) => [...row.subarray(1)])));
      const { loss } = await this.#run({ parameters, ids, targets });
      sum += (rows.length / this.#sequences.length) * ((await loss.data())[0] as number);
      disposeTree({ ids, targets, loss });
    }
    return sum;
  }
}

/** BrierLM's estimates with exact collisions (brier-exact.ts), batch by batch; the draws follow from the seed. */
export async function scoreExactly(
  model: LikelyModel,
  sequences: readonly Int32Array[],
  seed: number,
  options: Parameters<typeof estimateBrierExactly>[3] & {
    onBatch?: (done: number) => void | Promise<void>;
  } = {},
): Promise<BrierBatch[]> {
  const scored: BrierBatch[] = [];
  for await (const { batch: rows, first } of inBatches(sequences, options.pause)) {
    const take: Parameters<typeof estimateBrierExactly>[2] = ({ row, window, sample, step }, draw) =>
      draw(new RandomStream(seed, 'brier exact', first + row, window, sample, step).nextUniform());
    scored.push(await estimateBrierExactly(model, rows, take, options));
    await options.onBatch?.(first + rows.length);
  }
  return scored;
}
