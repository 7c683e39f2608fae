/** Whose latents they are, and whether a model can decode them. */

import { createHash } from 'node:crypto';
import { type TensorMap, tensorOf } from '../engine/index.ts';
import { latentsOfAnother, latentsShape } from '../errors.ts';
import type { AutoencoderConfig } from '../models/index.ts';
import type { TextLatents } from './types.ts';

type Origin = Pick<TextLatents, 'autoencoder' | 'tokenizer'>;

/** SHA-256 of parameters: names, shapes and numbers, in the order of the names. */
export async function hashOfParameters(parameters: TensorMap): Promise<string> {
  const hash = createHash('sha256');
  for (const name of Object.keys(parameters).sort()) {
    const tensor = tensorOf(parameters, name);
    const { shape } = tensor;
    const { buffer, byteOffset, byteLength } = await tensor.data<'float32'>();
    hash.update(`${name} ${shape.join('×')}\n`).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}

export function hashOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * The vectors to decode; those of other sizes, or of another autoencoder, are errors.
 * @param origin of the model that is to decode them
 * @returns with the number of tokens, as far as that is known
 */
export async function checkedLatents(
  given: TextLatents | Float32Array,
  { patchSize, latentSize }: AutoencoderConfig,
  origin: () => Promise<Origin>,
): Promise<{ mean: Float32Array; numTokens: number | undefined }> {
  if (given instanceof Float32Array) {
    if (given.length % latentSize !== 0)
      throw latentsShape(`${given.length} numbers are no vectors of ${latentSize}`);
    return { mean: given, numTokens: undefined };
  }
  const { mean, numPatches, numTokens } = given;
  if (given.latentSize !== latentSize || given.patchSize !== patchSize)
    throw latentsShape(
      `they are vectors of ${given.latentSize} numbers for ${given.patchSize} tokens, and the model has ` +
        `${latentSize} for ${patchSize}`,
    );
  if (mean.length !== numPatches * latentSize || numTokens > numPatches * patchSize)
    throw latentsShape(`${mean.length} numbers are not ${numPatches} vectors of ${latentSize}`);
  const own = await origin();
  if (given.autoencoder !== own.autoencoder)
    throw latentsOfAnother('autoencoder', given.autoencoder, own.autoencoder);
  if (given.tokenizer !== own.tokenizer) throw latentsOfAnother('tokenizer', given.tokenizer, own.tokenizer);
  return { mean, numTokens };
}
