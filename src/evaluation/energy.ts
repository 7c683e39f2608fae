/** The energy loss on held-out sequences, of the model and of a predictor that ignores the context. R positions · N samples · M targets · L latent. */

import type { Latents } from '../artifacts/index.ts';
import { type CompiledStep, disposeTree, type Engine, floatTensor, intTensor, type Tensor, type TensorMap, tf } from '../engine/index.ts';
import { energyParts } from '../math/index.ts';
import { addNoise, type CalmConfig, calmLoss, NUM_TARGET_SAMPLES } from '../models/index.ts';
import { RandomStream } from '../random.ts';

/** Sequences with the Gaussians of their patches but the first. */
export interface EnergySequence {
  /** [P·K] */
  readonly ids: Int32Array;
  readonly targets: Latents;
}

/** Means over positions; loss = fidelity − diversity, lower is better. */
export interface EnergyMeasure {
  readonly loss: number;
  readonly fidelity: number;
  readonly diversity: number;
}

const SEQUENCES_A_BATCH = 8;
const TERMS = ['loss', 'fidelity', 'diversity'] as const;

type Inputs = {
  readonly parameters: TensorMap;
  readonly ids: Tensor;
  readonly mean: Tensor;
  readonly logStd: Tensor;
  readonly noise: Tensor;
  readonly targetNoise: Tensor;
};
type Outputs = { readonly loss: Tensor; readonly fidelity: Tensor; readonly diversity: Tensor };

/** Measures one model again and again: the draws are the same each time, so two measurements differ by the model alone. */
export class EnergyEvaluator {
  readonly #engine: Engine;
  readonly #config: CalmConfig;
  readonly #sequences: readonly EnergySequence[];
  readonly #seed: number;
  readonly #numTargets: number;
  #run: CompiledStep<Inputs, Outputs> | undefined;

  constructor(engine: Engine, config: CalmConfig, sequences: readonly EnergySequence[], seed: number, numTargets = NUM_TARGET_SAMPLES) {
    this.#engine = engine;
    this.#config = config;
    this.#sequences = sequences;
    this.#seed = seed;
    this.#numTargets = numTargets;
  }

  /** The model's energy loss, teacher-forced. */
  async measure(parameters: TensorMap): Promise<EnergyMeasure> {
    const config = this.#config;
    return this.#average(async (batch) => {
      const { ids, mean, logStd, targetNoise, rows, positions } = this.#tensors(batch);
      const noise = floatTensor(this.#stream(batch, 'noise').uniforms(config.numSamples * positions * config.noiseSize, -0.5), [
        config.numSamples,
        positions,
        config.noiseSize,
      ]);
      const inputs: Inputs = { parameters, ids, mean, logStd, noise, targetNoise };
      this.#run ??= this.#engine.compile((given: Inputs) => calmLoss(given.parameters, config, { ids: given.ids, targets: given }, given) as Outputs);
      const outputs = await this.#run(inputs);
      disposeTree({ ids, mean, logStd, noise, targetNoise });
      return { outputs, weight: rows };
    });
  }

  /**
   * The loss of a context-free predictor, whose samples are latents of the corpus's own patches drawn at random: what a head can reach that knows the
   * patches but not the text before. A model that has learnt from context lies below it.
   * @param draw latents of `count` random training patches, [count·latent]
   */
  async measureContextFree(draw: (count: number, batch: number) => Promise<Float32Array>): Promise<EnergyMeasure> {
    const { numSamples, latentSize, beta } = this.#config;
    type Given = Omit<Inputs, 'parameters' | 'ids' | 'noise'> & { readonly samples: Tensor };
    const run = this.#engine.compile((given: Given) => scoreSamples(given, beta));
    return this.#average(async (batch, index) => {
      const { ids, mean, logStd, targetNoise, rows, positions } = this.#tensors(batch);
      const samples = floatTensor(await draw(positions * numSamples, index), [positions, numSamples, latentSize]);
      const outputs = await run({ mean, logStd, targetNoise, samples });
      disposeTree({ ids, mean, logStd, targetNoise, samples });
      return { outputs, weight: rows };
    });
  }

  async #average(measureBatch: (batch: readonly EnergySequence[], index: number) => Promise<{ outputs: Outputs; weight: number }>): Promise<EnergyMeasure> {
    const sums = { loss: 0, fidelity: 0, diversity: 0 };
    for (let start = 0; start < this.#sequences.length; start += SEQUENCES_A_BATCH) {
      const { outputs, weight } = await measureBatch(this.#sequences.slice(start, start + SEQUENCES_A_BATCH), start / SEQUENCES_A_BATCH);
      for (const term of TERMS) sums[term] += (weight / this.#sequences.length) * ((await outputs[term].data())[0] as number);
      disposeTree(outputs);
    }
    return sums;
  }

  #tensors(batch: readonly EnergySequence[]) {
    const { patchSize, latentSize } = this.#config;
    const rows = batch.length;
    const width = batch[0].ids.length - patchSize;
    const positions = (rows * width) / patchSize;
    const join = (pick: (sequence: EnergySequence) => Float32Array) =>
      floatTensor(Float32Array.from(batch.flatMap((sequence) => Array.from(pick(sequence)))), [positions, latentSize]);
    const ids = intTensor(Int32Array.from(batch.flatMap((sequence) => Array.from(sequence.ids.subarray(0, width)))), [rows, width]);
    const targetNoise = floatTensor(this.#stream(batch, 'targets').normals(positions * this.#numTargets * latentSize), [
      positions,
      this.#numTargets,
      latentSize,
    ]);
    return { ids, mean: join(({ targets }) => targets.mean), logStd: join(({ targets }) => targets.logStd), targetNoise, rows, positions };
  }

  #stream(batch: readonly EnergySequence[], purpose: string): RandomStream {
    return new RandomStream(this.#seed, 'energy evaluation', this.#sequences.indexOf(batch[0]), purpose);
  }
}

/** The energy loss of samples that are given, [positions, N, latent]. */
function scoreSamples(
  { mean, logStd, targetNoise, samples }: Omit<Inputs, 'parameters' | 'ids' | 'noise'> & { readonly samples: Tensor },
  beta: number,
): Outputs {
  const targets = addNoise({ mean: tf.expandDims(mean, 1), logStd: tf.expandDims(logStd, 1) }, targetNoise);
  const parts = energyParts(samples, targets, beta);
  const [fidelity, diversity] = [tf.mean(parts.fidelity), tf.mean(parts.diversity)];
  return { loss: tf.sub(fidelity, diversity), fidelity, diversity };
}
