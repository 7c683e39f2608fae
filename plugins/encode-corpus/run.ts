import { type autoencoderFolder, type latentShards, SPLITS, type Split, type tokenShards } from 'calm-lm/artifacts';
import { disposeTree } from 'calm-lm/engine';
import { modelMismatch } from 'calm-lm/errors';
import { CorpusEncoder, DistinctPatchEncoder, loadAutoencoder } from 'calm-lm/models';
import type { StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config } from './config.ts';

type Context = StageContext<z.infer<typeof config>, { tokens: typeof tokenShards; autoencoder: typeof autoencoderFolder }, { latents: typeof latentShards }>;

/** Patches are cut from the concatenated documents, as the language model will see them. */
export async function run(context: Context): Promise<void> {
  const { config, inputs, outputs, report } = context;
  const engine = await context.engine();
  const autoencoder = await loadAutoencoder(inputs.autoencoder);
  const { patchSize, latentSize, vocabSize } = autoencoder.config;
  if (vocabSize !== inputs.tokens.index.vocabSize) throw modelMismatch('vocabSize of the autoencoder and the tokens', inputs.tokens.index.vocabSize, vocabSize);
  const tables = await CorpusEncoder.create(engine, autoencoder);
  const encoder = new DistinctPatchEncoder(tables, patchSize);
  outputs.latents.begin({ patchSize, latentSize, dtype: config.precision });
  const started = performance.now();
  let tokens = 0;
  for (const split of SPLITS) tokens += await encodeSplit(context, encoder, split, patchSize);
  await outputs.latents.finish();
  tables.dispose();
  disposeTree(autoencoder.parameters);
  report.summary({ patches: tokens / patchSize, encodedPatches: encoder.numEncoded, tokensPerSecond: (1000 * tokens) / (performance.now() - started) });
}

/** Returns how many tokens were encoded. */
async function encodeSplit(
  { config, inputs, outputs, report, signal }: Context,
  encoder: DistinctPatchEncoder,
  split: Split,
  patchSize: number,
): Promise<number> {
  const stream = inputs.tokens.split(split);
  const numPatches = Math.floor(stream.length / patchSize);
  const started = performance.now();
  for (let patch = 0; patch < numPatches; patch += config.patchesPerBatch) {
    signal.throwIfAborted();
    const count = Math.min(config.patchesPerBatch, numPatches - patch);
    outputs.latents.append(split, await encoder.encode(stream.read(patch * patchSize, count * patchSize)));
    const done = patch + count;
    report.progress({ step: done, steps: numPatches, tokensPerSecond: (1000 * done * patchSize) / (performance.now() - started) });
    await new Promise(setImmediate);
  }
  stream.close();
  return numPatches * patchSize;
}
