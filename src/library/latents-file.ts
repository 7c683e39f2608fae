/**
 * The vectors of a text as a safetensors file: `mean` and `log_std`, [patches, latent], with all in the
 * metadata that the way back to the text needs.
 */

import { existsSync } from 'node:fs';
import { z } from 'zod';
import { SafetensorsFile, writeSafetensors } from '../artifacts/index.ts';
import { elementAt } from '../elements.ts';
import { artifactBroken, latentsMissing, notLatents } from '../errors.ts';
import type { TextLatents } from './types.ts';

const KIND = 'calm-latents';
const FORMAT_VERSION = '1';

const count = z.string().regex(/^\d+$/, 'must be a whole number').transform(Number);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');
const metadata = z.object({
  patch_size: count.refine((size) => size > 0, 'must be 1 or more'),
  num_tokens: count,
  autoencoder_sha256: sha256,
  tokenizer_sha256: sha256,
});

/** Writes latents, whole or not at all. */
export async function writeLatents(file: string, latents: TextLatents): Promise<void> {
  const shape = [latents.numPatches, latents.latentSize];
  const tensors = [
    ['mean', { shape, data: latents.mean }],
    ['log_std', { shape, data: latents.logStd }],
  ] as const;
  await writeSafetensors(file, tensors, {
    kind: KIND,
    format_version: FORMAT_VERSION,
    patch_size: String(latents.patchSize),
    num_tokens: String(latents.numTokens),
    autoencoder_sha256: latents.autoencoder,
    tokenizer_sha256: latents.tokenizer,
  });
}

/** Reads what `writeLatents` or `calm encode` wrote. Any other file is an error that says what is wrong. */
export async function readLatents(file: string): Promise<TextLatents> {
  if (!existsSync(file)) throw latentsMissing(file);
  const opened = new SafetensorsFile(file);
  try {
    return latentsIn(opened);
  } finally {
    opened.close();
  }
}

function latentsIn(opened: SafetensorsFile): TextLatents {
  const { file, metadata: stated } = opened;
  if (stated.kind !== KIND) throw notLatents(file, 'its metadata do not say that it holds any');
  if (stated.format_version !== FORMAT_VERSION)
    throw notLatents(
      file,
      `it has format version ${stated.format_version}; this calm reads ${FORMAT_VERSION}`,
    );
  const checked = metadata.safeParse(stated);
  if (!checked.success) {
    const { path, message } = elementAt(checked.error.issues, 0);
    throw artifactBroken(file, `${path.join('.')} of its metadata ${message}`);
  }
  const [mean, logStd] = [opened.get('mean'), opened.get('log_std')];
  if (!(mean?.data instanceof Float32Array) || !(logStd?.data instanceof Float32Array))
    throw artifactBroken(file, 'its tensors "mean" and "log_std" are not both there as float numbers');
  const [numPatches, latentSize] = mean.shape as [number, number];
  if (mean.shape.length !== 2 || mean.shape.join() !== logStd.shape.join())
    throw artifactBroken(file, `its tensors have the shapes [${mean.shape}] and [${logStd.shape}]`);
  const { patch_size: patchSize, num_tokens: numTokens, ...hashes } = checked.data;
  if (Math.ceil(numTokens / patchSize) !== numPatches)
    throw artifactBroken(
      file,
      `${numTokens} tokens in patches of ${patchSize} are not ${numPatches} patches`,
    );
  return {
    mean: mean.data,
    logStd: logStd.data,
    numPatches,
    latentSize,
    patchSize,
    numTokens,
    autoencoder: hashes.autoencoder_sha256,
    tokenizer: hashes.tokenizer_sha256,
  };
}
