/**
 * Latent shards: what the frozen encoder says of every patch of a corpus, so that the language model never
 * runs the encoder again.
 * For patch i of a split, the bytes hold mean (l values), then logStd (l values), as f32 or f16; or
 * both in a byte a number (`quantized-latents.ts`).
 *
 *     index.json            format version, patch size K, latent size l, dtype, counts, shards
 *     train-00000.bin …     validation-00000.bin …
 */

import { join } from 'node:path';
import { z } from 'zod';
import { readIndex, writeJson } from './files.ts';
import { fromHalves, toHalves } from './half-precision.ts';
import type { Latents } from './latents.ts';
import { dequantize, quantize, quantizedBytes } from './quantized-latents.ts';
import { ReadOnlyFiles } from './read-only-files.ts';
import { RecordSeries, seriesSchema } from './record-series.ts';
import { newShard, RecordSeriesWriter } from './record-series-writer.ts';
import { type BySplit, bySplit, SPLITS, type Split } from './splits.ts';

const size = z
  .int()
  .positive()
  .max(2 ** 20);
const splitIndex = seriesSchema('patches');
const latentIndex = z.object({
  formatVersion: z.number(),
  patchSize: size,
  latentSize: size,
  dtype: z.enum(['f32', 'f16', 'int8']),
  splits: z.object({ train: splitIndex, validation: splitIndex }),
});

export type LatentIndex = Readonly<z.infer<typeof latentIndex>>;
export type LatentPrecision = LatentIndex['dtype'];
type LatentHeader = Pick<LatentIndex, 'patchSize' | 'latentSize' | 'dtype'>;

const KIND = 'latent-shards';
const FORMAT_VERSION = 1;

/** Patches a file. A stopped encode-corpus resumes after the last whole file. */
export const PATCHES_PER_SHARD = 2 ** 18;

/** The artifact kind that `encode-corpus` makes. */
export const latentShards = Object.freeze({
  name: KIND,
  formatVersion: FORMAT_VERSION,
  open: async (directory: string) => {
    const index = await readIndex(join(directory, 'index.json'), KIND, FORMAT_VERSION, latentIndex);
    return new LatentShards(directory, index);
  },
  create: async (directory: string) => new LatentShardsWriter(directory),
});

/** Bytes of a patch. */
export function recordBytes({ latentSize, dtype }: Pick<LatentIndex, 'latentSize' | 'dtype'>): number {
  if (dtype === 'int8') return quantizedBytes(latentSize);
  return 2 * latentSize * (dtype === 'f32' ? 4 : 2);
}

/** Latents as they come back from shards of a precision. */
export function asStored(latents: Latents, header: Pick<LatentIndex, 'latentSize' | 'dtype'>): Latents {
  const { latentSize, dtype } = header;
  if (dtype === 'int8') return dequantize(quantize(latents, latentSize), latentSize);
  if (dtype === 'f32') return latents;
  const halved = (numbers: Float32Array) => fromHalves(toHalves(numbers));
  return { mean: halved(latents.mean), logStd: halved(latents.logStd) };
}

/** Reads latents. Files that are missing or of another size are refused. */
export class LatentShards implements Disposable {
  readonly directory: string;
  readonly index: LatentIndex;
  readonly #files: ReadOnlyFiles;
  readonly #series: BySplit<RecordSeries>;

  constructor(directory: string, index: LatentIndex) {
    this.directory = directory;
    this.index = index;
    this.#files = new ReadOnlyFiles(directory);
    this.#series = bySplit((split) => {
      const shards = index.splits[split].shards.map(({ file, patches }) => ({ file, records: patches }));
      return new RecordSeries(this.#files, recordBytes(index), shards);
    });
    for (const split of SPLITS) this.#series[split].check();
  }

  numPatches(split: Split): number {
    return this.index.splits[split].patches;
  }

  /** The Gaussians of patches [start, start + count) of a split. */
  read(split: Split, start: number, count: number): Latents {
    const { latentSize, dtype } = this.index;
    const record = this.#series[split].read(start, count);
    if (dtype === 'int8') return dequantize(record, latentSize);
    const { buffer } = record;
    const numbers = dtype === 'f32' ? new Float32Array(buffer) : fromHalves(new Uint16Array(buffer));
    const mean = new Float32Array(count * latentSize);
    const logStd = new Float32Array(count * latentSize);
    for (let patch = 0; patch < count; patch++) {
      const at = patch * 2 * latentSize;
      mean.set(numbers.subarray(at, at + latentSize), patch * latentSize);
      logStd.set(numbers.subarray(at + latentSize, at + 2 * latentSize), patch * latentSize);
    }
    return { mean, logStd };
  }

  /** Closes the files. One that is read again is opened again. */
  close(): void {
    this.#files.close();
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

/** Patches written so far, by split: what a writer resumes from after an interruption. */
export type LatentWriterState = BySplit<number>;

/** One file of a split. */
export interface LatentShard extends Disposable {
  append(latents: Latents): void;
  /** It survives a power cut. */
  close(): void;
}

/** Writes latents patch by patch, split by split. */
export class LatentShardsWriter implements Disposable {
  readonly directory: string;
  #header!: LatentHeader;
  #series!: BySplit<RecordSeriesWriter>;
  #opened: RecordSeriesWriter[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  /** @param from the state to resume from; whatever was written after it is forgotten */
  begin(header: LatentHeader, from: LatentWriterState = { train: 0, validation: 0 }): void {
    this[Symbol.dispose]();
    this.#header = header;
    const size = { recordBytes: recordBytes(header), recordsPerShard: PATCHES_PER_SHARD };
    this.#series = bySplit((split) => {
      const series = new RecordSeriesWriter(this.directory, split, size, from[split]);
      this.#opened.push(series);
      return series;
    });
  }

  /** Begins to add files by `shard` to those of another process, which counts them. */
  beginBeside(header: LatentHeader): void {
    this.#header = header;
  }

  /** Appends the Gaussians of the next patches of a split. */
  append(split: Split, latents: Latents): void {
    this.#series[split].append(this.#packed(latents));
  }

  /**
   * A file of a split by its number, for ranks that write files at the same time: at most PATCHES_PER_SHARD
   * patches are appended to it, and it is closed.
   */
  shard(split: Split, number: number): LatentShard {
    const file = newShard(this.directory, split, number);
    return {
      append: (latents) => file.append(this.#packed(latents)),
      close: () => file.close(),
      [Symbol.dispose]: () => file[Symbol.dispose](),
    };
  }

  /** Counts the next patches of a split, which were written by `shard`. */
  adopt(split: Split, numPatches: number): void {
    this.#series[split].adopt(numPatches);
  }

  #packed(latents: Latents): ArrayBufferView {
    const { latentSize, dtype } = this.#header;
    if (dtype === 'int8') return quantize(latents, latentSize);
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
    return dtype === 'f32' ? values : toHalves(values);
  }

  /** Makes everything so far survive a power cut, and says how to resume here. */
  save(): LatentWriterState {
    for (const split of SPLITS) this.#series[split].sync();
    return bySplit((split) => this.#series[split].records);
  }

  async finish(): Promise<LatentIndex> {
    const splits = bySplit((split) => {
      const series = this.#series[split];
      series.close();
      return { patches: series.records, shards: series.shards('patches') };
    });
    const index: LatentIndex = { formatVersion: FORMAT_VERSION, ...this.#header, splits };
    await writeJson(join(this.directory, 'index.json'), index);
    return index;
  }

  /**
   * Closes what is still open. What was appended since the last `save` is lost, unless `finish` has written
   * it.
   */
  [Symbol.dispose](): void {
    for (const series of this.#opened.splice(0)) series[Symbol.dispose]();
  }
}
