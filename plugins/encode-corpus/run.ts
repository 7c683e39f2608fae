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
  const { config, inputs, outputs, report, checkpoints, cluster } = context;
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
  const header = { patchSize, latentSize, dtype: config.precision };
  const begun = await cluster.broadcast(
    cluster.rank > 0
      ? undefined
      : await progress.goOn(report, (state) => outputs.latents.begin(header, state?.writer)),
  );
  // What is there is the first rank's to keep or remove; the others only add files.
  if (cluster.rank > 0) outputs.latents.beginBeside(header);
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
  if (cluster.rank === 0) await outputs.latents.finish();
  const isMeasured = cluster.rank === 0 && config.precision === 'int8';
  const loss = isMeasured ? await lossOf(context, engine, autoencoder) : {};
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
  #encodedNow = 0;
  #started = 0;

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
    return this.#encodedBefore + this.#encodedNow;
  }

  /**
   * Encodes the patches of a split from one on, where a file begins. Each rank makes a file at a time; when all
   * have, the first one counts them in and saves how far they are.
   */
  async encodeSplit(split: Split, from: number): Promise<void> {
    const { inputs, outputs, cluster } = this.#context;
    const numPatches = Math.floor(inputs.tokens.split(split).length / this.#patchSize);
    const numShards = Math.ceil(numPatches / PATCHES_PER_SHARD);
    this.#started = performance.now();
    for (let first = Math.ceil(from / PATCHES_PER_SHARD); first < numShards; first += cluster.size) {
      const own = first + cluster.rank;
      const made = own < numShards ? await this.#encodeShard(split, own, numPatches, from) : undefined;
      for (const shard of await cluster.gather(made)) {
        if (!shard) continue;
        outputs.latents.adopt(split, shard.numPatches);
        this.#encodedNow += shard.numEncoded;
        this.numTokensNow += shard.numPatches * this.#patchSize;
      }
      if (cluster.rank === 0)
        await this.#progress.save({ writer: outputs.latents.save(), numEncoded: this.numEncoded });
    }
    this.numPatches += numPatches;
  }

  /** Each file begins with nothing known, so what is in it does not depend on who makes it after what. */
  async #encodeShard(split: Split, number: number, numPatches: number, from: number): Promise<MadeShard> {
    const { config, inputs, outputs, report, pause, cluster } = this.#context;
    const stream = inputs.tokens.split(split);
    const begin = number * PATCHES_PER_SHARD;
    const end = Math.min(begin + PATCHES_PER_SHARD, numPatches);
    this.#encoder.forget();
    const encodedBefore = this.#encoder.numEncoded;
    const shard = outputs.latents.shard(split, number);
    try {
      for (let patch = begin; patch < end; ) {
        await pause();
        const count = Math.min(config.patchesPerBatch, end - patch);
        shard.append(
          await this.#encoder.encode(stream.read(patch * this.#patchSize, count * this.#patchSize)),
        );
        patch += count;
        // The other ranks are about as far with theirs.
        const step = Math.min(begin + (patch - begin) * cluster.size, numPatches);
        const tokensPerSecond =
          (1000 * (step - from) * this.#patchSize) / (performance.now() - this.#started);
        report.progress({ step, steps: numPatches, tokensPerSecond });
      }
      shard.close();
    } finally {
      shard[Symbol.dispose]();
    }
    return { numPatches: end - begin, numEncoded: this.#encoder.numEncoded - encodedBefore };
  }
}

interface MadeShard {
  readonly numPatches: number;
  /** Patches that the encoder has seen for it. */
  readonly numEncoded: number;
}
