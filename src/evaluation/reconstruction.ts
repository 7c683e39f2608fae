/** How well the autoencoder gives tokens back. N patches · K tokens a patch · L latent. */

import {
  type CompiledStep,
  disposeTree,
  type Engine,
  floatTensor,
  intTensor,
  readIntegers,
  type Tensor,
  type TensorMap,
  tf,
} from '../engine/index.ts';
import { type Autoencoder, type AutoencoderConfig, decodeTokens, encode } from '../models/index.ts';
import { RandomStream } from '../random.ts';
import type { Pause, Pausing } from './batches.ts';

/** Noise levels of the robustness check (paper §2.2 calls for robustness near the posterior's σ ≈ 0.3). */
export const NOISE_LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5] as const;

const PATCHES_A_BATCH = 1024;

/** Fractions in [0, 1]; higher is better. */
export interface Reconstruction {
  /** Tokens reconstructed from the mean of the posterior. */
  readonly tokenAccuracy: number;
  /** Patches of which every token is right. */
  readonly patchAccuracy: number;
  /** Token accuracy from draws of the posterior: what the language model's targets decode to. */
  readonly sampledTokenAccuracy: number;
  /** The posterior's mean standard deviation. */
  readonly meanStd: number;
  /** Token accuracy from mean + σ·noise. */
  readonly underNoise: readonly { readonly sigma: number; readonly tokenAccuracy: number }[];
  readonly numTokens: number;
}

type Inputs = {
  readonly parameters: TensorMap;
  readonly ids: Tensor;
  readonly noise: Tensor;
  readonly sigma: Tensor;
  readonly posterior: Tensor;
};

interface Tally {
  tokens: number;
  patches: number;
  spread: number;
}

/**
 * @param ids token ids of whole patches, [patches·K]
 * @param options the σ of `underNoise`, and what is awaited between batches
 */
export async function measureReconstruction(
  engine: Engine,
  autoencoder: Autoencoder,
  ids: Int32Array,
  seed: number,
  { noiseLevels = NOISE_LEVELS, pause }: { readonly noiseLevels?: readonly number[] } & Pausing = {},
): Promise<Reconstruction> {
  const numPatches = ids.length / autoencoder.config.patchSize;
  const run = reconstructor(engine, autoencoder.config);
  const tally = (sigma: number, posterior: number) =>
    tallyAt(run, autoencoder, ids, { sigma, posterior, seed, pause });
  const mean = await tally(0, 0);
  const sampled = await tally(0, 1);
  const underNoise: { sigma: number; tokenAccuracy: number }[] = [];
  for (const sigma of noiseLevels)
    underNoise.push({ sigma, tokenAccuracy: (await tally(sigma, 0)).tokens / ids.length });
  return {
    tokenAccuracy: mean.tokens / ids.length,
    patchAccuracy: mean.patches / numPatches,
    sampledTokenAccuracy: sampled.tokens / ids.length,
    meanStd: mean.spread / numPatches,
    underNoise,
    numTokens: ids.length,
  };
}

type Reconstruct = CompiledStep<Inputs, { tokens: Tensor; spread: Tensor }>;

/** Patches to tokens again by z = mean + (sigma + posterior·std)·noise, and the mean std. */
function reconstructor(engine: Engine, config: AutoencoderConfig): Reconstruct {
  return engine.compile((given: Inputs) => {
    const { mean, logStd } = encode(given.parameters, config, given.ids);
    const std = tf.exp(logStd);
    const latents = tf.add(mean, tf.mul(given.noise, tf.add(given.sigma, tf.mul(std, given.posterior))));
    return { tokens: decodeTokens(given.parameters, config, latents), spread: tf.mean(std) };
  });
}

interface Setting {
  readonly sigma: number;
  readonly posterior: number;
  readonly seed: number;
  readonly pause: Pause | undefined;
}

/** Counts right tokens and patches with z = mean + (sigma + posterior·std)·noise. */
async function tallyAt(
  run: Reconstruct,
  { config, parameters }: Autoencoder,
  ids: Int32Array,
  { sigma, posterior, seed, pause }: Setting,
): Promise<Tally> {
  const scalars = {
    sigma: floatTensor(Float32Array.of(sigma), []),
    posterior: floatTensor(Float32Array.of(posterior), []),
  };
  const total: Tally = { tokens: 0, patches: 0, spread: 0 };
  const width = PATCHES_A_BATCH * config.patchSize;
  for (let start = 0; start < ids.length; start += width) {
    await pause?.();
    const part = ids.subarray(start, start + width);
    const patches = part.length / config.patchSize;
    const noise = new RandomStream(seed, 'reconstruction', start, String(sigma)).normals(
      patches * config.latentSize,
    );
    const inputs: Inputs = {
      parameters,
      ids: intTensor(part),
      noise: floatTensor(noise, [patches, config.latentSize]),
      ...scalars,
    };
    const outputs = await run(inputs);
    addMatches(total, part, await readIntegers(outputs.tokens), config.patchSize);
    total.spread += patches * ((await outputs.spread.data())[0] as number);
    disposeTree({ outputs, ids: inputs.ids, noise: inputs.noise });
  }
  disposeTree(scalars);
  return total;
}

function addMatches(total: Tally, expected: Int32Array, actual: Int32Array, patchSize: number): void {
  for (let at = 0; at < expected.length; at += patchSize) {
    let right = 0;
    for (let k = at; k < at + patchSize; k++) right += Number(expected[k] === actual[k]);
    total.tokens += right;
    total.patches += Number(right === patchSize);
  }
}
