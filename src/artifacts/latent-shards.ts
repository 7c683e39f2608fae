/**
 * Latent shards: what the frozen encoder says of every patch of a corpus, so that the language model never runs the encoder again.
 * For patch i of a split, the bytes hold mean (l values), then logStd (l values), as f32 or f16.
 *
 *     index.json            format version, patch size K, latent size l, dtype, counts, shards
 *     train-00000.bin …     validation-00000.bin …
 */

import { join } from 'node:path';
import { z } from 'zod';
import { readIndex, writeJson } from './files.ts';
import { ShardSeries } from './growing-files.ts';
import { fromHalves, toHalves } from './half-precision.ts';
import { checkedSize, ReadOnlyFiles } from './read-only-files.ts';
import { SPLITS, type Split } from './token-shards.ts';

const size = z
  .int()
  .positive()
  .max(2 ** 20);
const count = z.int().nonnegative();
const shard = z.object({
  file: z.string().regex(/^[a-z]+-\d+\.bin$/, 'must be the name of a shard beside the index'),
  patches: count,
});
const splitIndex = z
  .object({ patches: count, shards: z.array(shard) })
  .refine(
    ({ patches, shards }) => shards.reduce((sum, { patches: own }) => sum + own, 0) === patches,
    'its shards must have its patches',
  );
const latentIndex = z.object({
  formatVersion: z.number(),
  patchSize: size,
  latentSize: size,
  dtype: z.enum(['f32', 'f16']),
  splits: z.object({ train: splitIndex, validation: splitIndex }),
});

export type LatentIndex = Readonly<z.infer<typeof latentIndex>>;
export type LatentPrecision = LatentIndex['dtype'];
type LatentHeader = Pick<LatentIndex, 'patchSize' | 'latentSize' | 'dtype'>;

/** The Gaussians of some patches: `mean` and `logStd`, each [patches, latent]. */
export interface Latents {
  readonly mean: Float32Array;
  readonly logStd: Float32Array;
}

const KIND = 'latent-shards';
const FORMAT_VERSION = 1;

/** Patches a file. A stopped encode-corpus goes on from the last whole file. */
export const PATCHES_PER_SHARD = 2 ** 18;

/** The artifact kind that `encode-corpus` makes. */
export const latentShards = Object.freeze({
  name: KIND,
  formatVersion: FORMAT_VERSION,
  open: async (directory: string) => {
    const index = await readIndex(join(directory, 'index.json'), KIND, FORMAT_VERSION, latentIndex);
    for (const split of SPLITS)
      for (const { file, patches } of index.splits[split].shards)
        checkedSize(join(directory, file), patches * recordBytes(index));
    return new LatentShards(directory, index);
  },
  create: async (directory: string) => new LatentShardsWriter(directory),
});

const recordBytes = ({ latentSize, dtype }: LatentHeader) => 2 * latentSize * (dtype === 'f32' ? 4 : 2);

export class LatentShards implements Disposable {
  readonly directory: string;
  readonly index: LatentIndex;
  readonly #files: ReadOnlyFiles;

  constructor(directory: string, index: LatentIndex) {
    this.directory = directory;
    this.index = index;
    this.#files = new ReadOnlyFiles(directory);
  }

  numPatches(split: Split): number {
    return this.index.splits[split].patches;
  }

  /** The Gaussians of patches [start, start + count) of a split. */
  read(split: Split, start: number, count: number): Latents {
    const { latentSize } = this.index;
    const latents = {
      mean: new Float32Array(count * latentSize),
      logStd: new Float32Array(count * latentSize),
    };
    let shardStart = 0;
    for (const shard of this.index.splits[split].shards) {
      const from = Math.max(start, shardStart);
      const to = Math.min(start + count, shardStart + shard.patches);
      if (from < to) this.#readShard(shard, from - shardStart, to - from, latents, from - start);
      shardStart += shard.patches;
    }
    return latents;
  }

  /** Closes the files. One that is read again is opened again. */
  close(): void {
    this.#files.close();
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }

  #readShard(
    { file, patches }: z.infer<typeof shard>,
    start: number,
    count: number,
    out: Latents,
    offset: number,
  ): void {
    const { latentSize, dtype } = this.index;
    const bytes = recordBytes(this.index);
    const { buffer } = this.#files.read(file, start * bytes, count * bytes, patches * bytes);
    const numbers = dtype === 'f32' ? new Float32Array(buffer) : fromHalves(new Uint16Array(buffer));
    for (let patch = 0; patch < count; patch++) {
      const at = patch * 2 * latentSize;
      out.mean.set(numbers.subarray(at, at + latentSize), (offset + patch) * latentSize);
      out.logStd.set(numbers.subarray(at + latentSize, at + 2 * latentSize), (offset + patch) * latentSize);
    }
  }
}

/** Patches written so far, by split: what a writer goes on from after an interruption. */
export type LatentWriterState = Readonly<Record<Split, number>>;

/** Writes latents patch by patch, split by split. */
export class LatentShardsWriter implements Disposable {
  readonly directory: string;
  #header!: LatentHeader;
  #series!: Record<Split, ShardSeries>;
  #opened: ShardSeries[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  /** @param from the state to go on from; whatever was written after it is forgotten */
  begin(header: LatentHeader, from: LatentWriterState = { train: 0, validation: 0 }): void {
    this[Symbol.dispose]();
    this.#header = header;
    const size = { recordBytes: recordBytes(header), recordsPerShard: PATCHES_PER_SHARD };
    const open = (split: Split) => {
      const series = new ShardSeries(this.directory, split, size, from[split]);
      this.#opened.push(series);
      return series;
    };
    this.#series = { train: open('train'), validation: open('validation') };
  }

  /** Appends the Gaussians of the next patches of a split. */
  append(split: Split, latents: Latents): void {
    const { latentSize, dtype } = this.#header;
    const count = latents.mean.length / latentSize;
    const record = 2 * latentSize;
    const values = new Float32Array(count * record);
    for (let patch = 0; patch < count; patch++) {
      values.set(latents.mean.subarray(patch * latentSize, (patch + 1) * latentSize), patch * record);
      values.set(
        latents.logStd.subarray(patch * latentSize, (patch + 1) * latentSize),
        patch * record + latentSize,
      );
    }
    this.#series[split].append(dtype === 'f32' ? values : toHalves(values));
  }

  /** Makes everything so far survive a power cut, and says how to go on from here. */
  save(): LatentWriterState {
    for (const split of SPLITS) this.#series[split].sync();
    return { train: this.#series.train.records, validation: this.#series.validation.records };
  }

  async finish(): Promise<LatentIndex> {
    const indexOf = (split: Split) => {
      const series = this.#series[split];
      series.close();
      return {
        patches: series.records,
        shards: series.shards.map(({ file, records }) => ({ file, patches: records })),
      };
    };
    const index: LatentIndex = {
      formatVersion: FORMAT_VERSION,
      ...this.#header,
      splits: { train: indexOf('train'), validation: indexOf('validation') },
    };
    await writeJson(join(this.directory, 'index.json'), index);
    return index;
  }

  /** Closes what is still open. What was appended since the last `save` is lost, unless `finish` has written it. */
  [Symbol.dispose](): void {
    for (const series of this.#opened.splice(0)) series[Symbol.dispose]();
  }
}
