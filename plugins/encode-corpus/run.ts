import {
  asStored,
  type autoencoderFolder,
  type Latents,
  type LatentWriterState,
  type latentShards,
  PATCHES_PER_SHARD,
  ProgressFile,
  recordBytes,
  SPLITS,
  type Split,
  type tokenShards,
} from 'calm-lm/artifacts';
import { evenlySpread } from 'calm-lm/data';
import { disposeTree, type Engine } from 'calm-lm/engine';
import { modelMismatch } from 'calm-lm/errors';
import {
  type Autoencoder,
  CorpusEncoder,
  DistinctPatchEncoder,
  loadAutoencoder,
  PatchCodec,
} from 'calm-lm/models';
import type { StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config } from './config.ts';

type Context = StageContext<
  z.infer<typeof config>,
  { tokens: typeof tokenShards; autoencoder: typeof autoencoderFolder },
  { latents: typeof latentShards }
>;

/**
 * Patches are cut from the concatenated documents, as the language model will see them. A stopped stage goes
 * on from its last whole shard.
 */
export async function run(context: Context): Promise<void> {
  const { config, inputs, outputs, report, checkpoints } = context;
  const engine = await context.engine();
  const autoencoder = await loadAutoencoder(inputs.autoencoder);
  const { patchSize, latentSize, vocabSize } = autoencoder.config;
  if (vocabSize !== inputs.tokens.index.vocabSize)
    throw modelMismatch(
      'vocabSize of the autoencoder and the tokens',
      inputs.tokens.index.vocabSize,
      vocabSize,
    );
  const tables = await CorpusEncoder.create(engine, autoencoder);
  const progress = new ProgressFile<EncodingState>(checkpoints, 'encoding');
  const begun = await progress.goOn(report, (state) =>
    outputs.latents.begin({ patchSize, latentSize, dtype: config.precision }, state?.writer),
  );
  if (begun) report.note(`resuming after ${begun.writer.train + begun.writer.validation} patches`);
  const encoding = new Encoding(
    context,
    new DistinctPatchEncoder(tables, patchSize),
    patchSize,
    progress,
    begun?.numEncoded ?? 0,
  );
  const started = performance.now();
  for (const split of SPLITS) await encoding.encodeSplit(split, begun?.writer[split] ?? 0);
  await outputs.latents.finish();
  const loss = config.precision === 'int8' ? await lossOf(context, engine, autoencoder) : {};
  tables.dispose();
  disposeTree(autoencoder.parameters);
  const { numPatches, numEncoded, numTokensNow } = encoding;
  const bitsPerPatch = 8 * recordBytes({ latentSize, dtype: config.precision });
  report.summary({
    patches: numPatches,
    encodedPatches: numEncoded,
    bitsPerPatch,
    ...loss,
    tokensPerSecond: (1000 * numTokensNow) / (performance.now() - started),
  });
}

/** Patches that are looked at for what is lost. */
const MEASURED = 4096;

/**
 * The shares of tokens that the autoencoder gives back from exact and from stored means, over patches spread
 * evenly over the training split.
 */
async function lossOf({ config, inputs, pause }: Context, engine: Engine, autoencoder: Autoencoder) {
  const { patchSize, latentSize } = autoencoder.config;
  const stream = inputs.tokens.split('train');
  const chosen = evenlySpread(Math.floor(stream.length / patchSize), MEASURED);
  const ids = Int32Array.from(chosen.flatMap((patch) => [...stream.read(patch * patchSize, patchSize)]));
  const codec = new PatchCodec(engine, autoencoder);
  const exact = await codec.encode(ids, pause);
  const stored = asStored(exact, { latentSize, dtype: config.precision });
  const shareOf = async ({ mean }: Latents) => {
    const found = await codec.decode(mean, pause);
    return found.reduce((right, id, i) => right + Number(id === ids[i]), 0) / ids.length;
  };
  return { exactAccuracy: await shareOf(exact), storedAccuracy: await shareOf(stored) };
}

interface EncodingState {
  readonly writer: LatentWriterState;
  /** Patches that the encoder has seen. */
  readonly numEncoded: number;
}

class Encoding {
  /** Patches of all splits so far, those of an earlier, stopped run included. */
  numPatches = 0;
  /** Tokens that this run has encoded. */
  numTokensNow = 0;
  readonly #context: Context;
  readonly #encoder: DistinctPatchEncoder;
  readonly #patchSize: number;
  readonly #progress: ProgressFile<EncodingState>;
  readonly #encodedBefore: number;

  constructor(
    context: Context,
    encoder: DistinctPatchEncoder,
    patchSize: number,
    progress: ProgressFile<EncodingState>,
    encodedBefore: number,
  ) {
    this.#context = context;
    this.#encoder = encoder;
    this.#patchSize = patchSize;
    this.#progress = progress;
    this.#encodedBefore = encodedBefore;
  }

  get numEncoded(): number {
    return this.#encodedBefore + this.#encoder.numEncoded;
  }

  /** Encodes the patches of a split from one on. */
  async encodeSplit(split: Split, from: number): Promise<void> {
    const { config, inputs, outputs, report, pause } = this.#context;
    const stream = inputs.tokens.split(split);
    const numPatches = Math.floor(stream.length / this.#patchSize);
    const started = performance.now();
    for (let patch = from; patch < numPatches; ) {
      await pause();
      // Each shard begins with nothing known, so what is in it does not depend on where the stage was begun.
      if (patch % PATCHES_PER_SHARD === 0) await this.#beginShard(patch > from);
      const shardEnd = (Math.floor(patch / PATCHES_PER_SHARD) + 1) * PATCHES_PER_SHARD;
      const count = Math.min(config.patchesPerBatch, numPatches - patch, shardEnd - patch);
      outputs.latents.append(
        split,
        await this.#encoder.encode(stream.read(patch * this.#patchSize, count * this.#patchSize)),
      );
      patch += count;
      this.numTokensNow += count * this.#patchSize;
      const tokensPerSecond = (1000 * (patch - from) * this.#patchSize) / (performance.now() - started);
      report.progress({ step: patch, steps: numPatches, tokensPerSecond });
    }
    this.numPatches += numPatches;
  }

  async #beginShard(isWorthSaving: boolean): Promise<void> {
    this.#encoder.forget();
    if (isWorthSaving)
      await this.#progress.save({
        writer: this.#context.outputs.latents.save(),
        numEncoded: this.numEncoded,
      });
  }
}
