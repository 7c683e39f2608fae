/**
 * Held-out losses of a language model: the one that it was trained with, and the energy loss of its samples,
 * which every head has and a context-free
 * predictor too. R positions · N samples · M targets · P patches · K tokens a patch · L latent.
 */

import type { Latents } from '../artifacts/index.ts';
import { commonLength } from '../elements.ts';
import {
  type CompiledStep,
  disposeTree,
  type Engine,
  floatTensor,
  intTensor,
  type LossOutputs,
  type Tensor,
  type TensorMap,
  tf,
} from '../engine/index.ts';
import {
  type AnyHead,
  type CalmConfig,
  calmLoss,
  energyTerms,
  type LatentDraws,
  NUM_HELD_OUT_TARGETS,
  type PatchModel,
  readsLatents,
} from '../models/index.ts';
import { RandomStream } from '../random.ts';
import { countedPositions, inBatches, joinRows, type Pause } from './batches.ts';

/** A sequence with the Gaussians of all its patches. */
export interface EncodedSequence {
  /** [P·K] */
  readonly ids: Int32Array;
  /** [P, latent] */
  readonly latents: Latents;
  /** Which patches count, 1 or 0, [P]; all where absent. */
  readonly learnt?: Uint8Array | undefined;
}

/** How many patches of some sequences count, of those that are predicted: all but the first. */
export function numLearnt(sequences: readonly EncodedSequence[], { patchSize }: CalmConfig): number {
  const ofOne = ({ ids, learnt }: EncodedSequence) =>
    learnt ? learnt.subarray(1).reduce((sum, one) => sum + one, 0) : ids.length / patchSize - 1;
  return sequences.reduce((sum, sequence) => sum + ofOne(sequence), 0);
}

/** Sequences as tensors: what the model reads, and what it is to predict. */
export type EncodedBatch = {
  /** [rows, (P−1)·K] */
  readonly ids: Tensor;
  /** [rows, P−1, latent], where the model reads latents. */
  readonly latents?: Tensor;
  /** Of every patch but the first, [rows·(P−1), latent]; of `positions` alone where they are given. */
  readonly mean: Tensor;
  readonly logStd: Tensor;
  /** Where not every patch counts: those of the rows·(P−1) that do, int32, and their weights. */
  readonly positions?: Tensor;
  readonly weights?: Tensor;
};

/** Puts sequences of one length together. */
export function batchSequences(sequences: readonly EncodedSequence[], config: CalmConfig): EncodedBatch {
  const { patchSize, latentSize } = config;
  const rows = sequences.length;
  const patches = commonLength(sequences.map(({ ids }) => ids)) / patchSize - 1;
  const shape = [rows * patches, latentSize];
  const part = (pick: (latents: Latents) => Float32Array, from: number) => {
    const joined = new Float32Array(rows * patches * latentSize);
    sequences.forEach(({ latents }, row) => {
      joined.set(
        pick(latents).subarray(from * latentSize, (from + patches) * latentSize),
        row * patches * latentSize,
      );
    });
    return joined;
  };
  const counted = sequences.some(({ learnt }) => learnt)
    ? countedPositions(
        sequences.flatMap(({ learnt }) =>
          Array.from({ length: patches }, (_, patch) => learnt?.[patch + 1] !== 0),
        ),
      )
    : undefined;
  /** Rows of what is to be predicted. */
  const targets = (numbers: Float32Array) => {
    if (!counted) return floatTensor(numbers, shape);
    const { positions } = counted;
    const chosen = new Float32Array(positions.length * latentSize);
    for (const [i, at] of positions.entries())
      chosen.set(numbers.subarray(at * latentSize, (at + 1) * latentSize), i * latentSize);
    return floatTensor(chosen, [positions.length, latentSize]);
  };
  return {
    ids: joinRows(sequences.map(({ ids }) => ids.subarray(0, patches * patchSize))),
    ...(readsLatents(config)
      ? {
          latents: floatTensor(
            part(({ mean }) => mean, 0),
            [rows, patches, latentSize],
          ),
        }
      : {}),
    mean: targets(part(({ mean }) => mean, 1)),
    logStd: targets(part(({ logStd }) => logStd, 1)),
    ...(counted
      ? {
          positions: intTensor(counted.positions),
          weights: floatTensor(counted.weights, [counted.weights.length]),
        }
      : {}),
  };
}

type LossInputs = { readonly parameters: TensorMap; readonly batch: EncodedBatch; readonly draws: TensorMap };

/**
 * Measures the training loss of one model again and again: the draws are the same each time, so two
 * measurements differ by the model alone.
 */
export class HeldOutLoss {
  readonly #config: CalmConfig;
  readonly #head: AnyHead;
  readonly #sequences: readonly EncodedSequence[];
  readonly #seed: number;
  readonly #run: CompiledStep<LossInputs, LossOutputs>;

  constructor(
    engine: Engine,
    config: CalmConfig,
    head: AnyHead,
    sequences: readonly EncodedSequence[],
    seed: number,
  ) {
    this.#config = config;
    this.#head = head;
    this.#sequences = sequences;
    this.#seed = seed;
    this.#run = engine.compile(({ parameters, batch, draws }: LossInputs) => {
      const { mean, logStd, ...read } = batch;
      return calmLoss(parameters, config, head, { ...read, targets: { mean, logStd } }, draws);
    });
  }

  /**
   * The loss and its companions, teacher-forced, averaged over positions.
   * @param pause awaited between batches
   */
  async measure(parameters: TensorMap, pause?: Pause): Promise<Record<string, number>> {
    const sums: Record<string, number> = {};
    const all = numLearnt(this.#sequences, this.#config);
    for await (const { batch: sequences, first } of inBatches(this.#sequences, pause)) {
      const share = numLearnt(sequences, this.#config) / all;
      const batch = batchSequences(sequences, this.#config);
      const streams = (purpose: string) => new RandomStream(this.#seed, 'energy evaluation', first, purpose);
      const given = [this.#config, batch.mean.shape[0], streams] as const;
      const draws = this.#head.drawHeldOut?.(...given) ?? this.#head.drawTraining(...given);
      const outputs = await this.#run({ parameters, batch, draws });
      for (const [name, tensor] of Object.entries(outputs)) {
        sums[name] = (sums[name] ?? 0) + share * ((await tensor.data())[0] as number);
      }
      disposeTree({ batch, draws, outputs });
    }
    return sums;
  }
}

/** Means over positions; loss = fidelity − diversity, lower is better. */
export interface EnergyMeasure {
  readonly loss: number;
  readonly fidelity: number;
  readonly diversity: number;
}

type ScoreInputs = {
  readonly mean: Tensor;
  readonly logStd: Tensor;
  readonly targetNoise: Tensor;
  readonly samples: Tensor;
};
type ScoreOutputs = ReturnType<typeof energyTerms>;

/**
 * The energy loss (β = 1) of samples from any source against the encoder's Gaussians: model samples N = 8,
 * target samples M = 100.
 */
export class EnergyScore {
  readonly #sequences: readonly EncodedSequence[];
  readonly #config: CalmConfig;
  readonly #seed: number;
  readonly #run: CompiledStep<ScoreInputs, ScoreOutputs>;

  constructor(engine: Engine, config: CalmConfig, sequences: readonly EncodedSequence[], seed: number) {
    this.#config = config;
    this.#sequences = sequences;
    this.#seed = seed;
    this.#run = engine.compile(({ samples, mean, logStd, targetNoise }: ScoreInputs) =>
      energyTerms(samples, { mean, logStd }, targetNoise, BETA),
    );
  }

  /** Of the model's own head, teacher-forced. @param pause awaited between engine calls */
  ofModel(model: PatchModel & { readonly latents: LatentDraws }, pause?: Pause): Promise<EnergyMeasure> {
    const { hiddenSize } = this.#config;
    return this.#average(async ({ ids }, positions, { first }) => {
      const hidden = await model.sequence.look(ids);
      await pause?.();
      const flat = tf.reshape(hidden, [positions, hiddenSize]);
      const noise = model.drawNoise(this.#stream(first, 'noise'), NUM_SAMPLES * positions * model.noiseSize);
      const latents = await model.latents.draw(flat, noise);
      const samples = tf.transpose(latents, [1, 0, 2]);
      disposeTree({ hidden, flat, latents });
      return samples;
    }, pause);
  }

  /**
   * Of a context-free predictor, whose samples are latents of the corpus's own patches drawn at random: what
   * a head can reach that knows the patches but
   * not the text before. A model that has learnt from context lies below it.
   * @param draw latents of `count` random training patches, [count·latent]
   * @param pause awaited between engine calls
   */
  ofContextFree(
    draw: (count: number, batch: number) => Promise<Float32Array>,
    pause?: Pause,
  ): Promise<EnergyMeasure> {
    const shape = (positions: number) => [positions, NUM_SAMPLES, this.#config.latentSize];
    return this.#average(
      async (_, positions, { index }) =>
        floatTensor(await draw(positions * NUM_SAMPLES, index), shape(positions)),
      pause,
    );
  }

  async #average(
    samplesOf: (
      batch: EncodedBatch,
      positions: number,
      at: { readonly first: number; readonly index: number },
    ) => Promise<Tensor>,
    pause: Pause | undefined,
  ): Promise<EnergyMeasure> {
    const sums = { loss: 0, fidelity: 0, diversity: 0 };
    for await (const { batch: sequences, first, index } of inBatches(this.#sequences, pause)) {
      const batch = batchSequences(sequences, this.#config);
      const [positions, latentSize] = batch.mean.shape as [number, number];
      const samples = await samplesOf(batch, positions, { first, index });
      await pause?.();
      const shape = [positions, NUM_HELD_OUT_TARGETS, latentSize];
      const targetNoise = floatTensor(
        this.#stream(first, 'targets').normals(positions * NUM_HELD_OUT_TARGETS * latentSize),
        shape,
      );
      const { mean, logStd } = batch;
      const outputs = await this.#run({ mean, logStd, targetNoise, samples });
      for (const term of Object.keys(sums) as (keyof EnergyMeasure)[])
        sums[term] +=
          (sequences.length / this.#sequences.length) * ((await outputs[term].data())[0] as number);
      disposeTree({ batch, samples, targetNoise, outputs });
    }
    return sums;
  }

  #stream(first: number, purpose: string): RandomStream {
    return new RandomStream(this.#seed, 'energy evaluation', first, purpose);
  }
}

/** N and β of the measure, the same for every model that is compared. */
const [NUM_SAMPLES, BETA] = [8, 1];
