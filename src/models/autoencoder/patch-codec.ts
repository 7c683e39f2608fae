/** Patches to latents and back, for texts of any length. N patches · K tokens a patch · L latent. */

import type { Latents } from '../../artifacts/index.ts';
import {
  type CompiledStep,
  disposeTree,
  type Engine,
  floatTensor,
  intTensor,
  readFloats,
  readIntegers,
  type Tensor,
  type TensorMap,
} from '../../engine/index.ts';
import type { Autoencoder } from '../of-weights.ts';
import type { Pause } from '../patch-model.ts';
import { decodeTokens, encode } from './autoencoder.ts';

/** Patches that are worked on at once; fewer are rounded up to a power of two, as each count has a graph. */
const [FEWEST, MOST] = [8, 1024];

type EncodeInputs = { readonly parameters: TensorMap; readonly ids: Tensor };
type DecodeInputs = { readonly parameters: TensorMap; readonly latents: Tensor };

export class PatchCodec {
  readonly #autoencoder: Autoencoder;
  readonly #encode: CompiledStep<EncodeInputs, { mean: Tensor; logStd: Tensor }>;
  readonly #decode: CompiledStep<DecodeInputs, { tokens: Tensor }>;

  constructor(engine: Engine, autoencoder: Autoencoder) {
    const { config } = autoencoder;
    this.#autoencoder = autoencoder;
    this.#encode = engine.compile(({ parameters, ids }: EncodeInputs) => {
      const { mean, logStd } = encode(parameters, config, ids);
      return { mean, logStd };
    });
    this.#decode = engine.compile(({ parameters, latents }: DecodeInputs) => ({
      tokens: decodeTokens(parameters, config, latents),
    }));
  }

  /**
   * @param ids [patches·K]
   * @param pause awaited before each piece of the patches
   * @returns mean and logStd of each patch's Gaussian, [patches·latent]
   */
  async encode(ids: Int32Array, pause?: Pause): Promise<Latents> {
    const { parameters, config } = this.#autoencoder;
    const numPatches = ids.length / config.patchSize;
    const size = numPatches * config.latentSize;
    const found: Latents = { mean: new Float32Array(size), logStd: new Float32Array(size) };
    for (const { first, count, rounded } of piecesOf(numPatches)) {
      await pause?.();
      const piece = new Int32Array(rounded * config.patchSize);
      piece.set(ids.subarray(first * config.patchSize, (first + count) * config.patchSize));
      const idTensor = intTensor(piece);
      const { mean, logStd } = await this.#encode({ parameters, ids: idTensor });
      const [begin, length] = [first * config.latentSize, count * config.latentSize];
      found.mean.set((await readFloats(mean)).subarray(0, length), begin);
      found.logStd.set((await readFloats(logStd)).subarray(0, length), begin);
      disposeTree({ mean, logStd, idTensor });
    }
    return found;
  }

  /**
   * The likeliest tokens of latents.
   * @param latents [patches·latent]
   * @returns [patches·K]
   */
  async decode(latents: Float32Array, pause?: Pause): Promise<Int32Array> {
    const { parameters, config } = this.#autoencoder;
    const numPatches = latents.length / config.latentSize;
    const ids = new Int32Array(numPatches * config.patchSize);
    for (const { first, count, rounded } of piecesOf(numPatches)) {
      await pause?.();
      const piece = new Float32Array(rounded * config.latentSize);
      piece.set(latents.subarray(first * config.latentSize, (first + count) * config.latentSize));
      const given = floatTensor(piece, [rounded, config.latentSize]);
      const { tokens } = await this.#decode({ parameters, latents: given });
      const found = (await readIntegers(tokens)).subarray(0, count * config.patchSize);
      ids.set(found, first * config.patchSize);
      disposeTree({ tokens, given });
    }
    return ids;
  }
}

/** Patches in pieces, each with the number of rows that it is rounded up to. */
function* piecesOf(numPatches: number): Generator<{ first: number; count: number; rounded: number }> {
  for (let first = 0; first < numPatches; first += MOST) {
    const count = Math.min(MOST, numPatches - first);
    yield { first, count, rounded: Math.max(FEWEST, 2 ** Math.ceil(Math.log2(count))) };
  }
}
