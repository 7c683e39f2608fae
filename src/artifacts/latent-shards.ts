/**
 * Latent shards: what the frozen encoder says of every patch of a corpus, so that the language model never runs the encoder again.
 * For patch i of a split, the bytes hold mean (l values), then logStd (l values), as f32 or f16.
 *
 *     index.json            format version, patch size K, latent size l, dtype, counts, shards
 *     train-00000.bin …     validation-00000.bin …
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { artifactBroken } from '../errors.ts';
import { appendBytes, readIndex, writeJson } from './files.ts';
import { fromHalves, toHalves } from './half-precision.ts';
import type { Split } from './token-shards.ts';

export type LatentPrecision = 'f32' | 'f16';

interface Shard {
  readonly file: string;
  readonly patches: number;
}

interface LatentHeader {
  readonly patchSize: number;
  readonly latentSize: number;
  readonly dtype: LatentPrecision;
}

export interface LatentIndex extends LatentHeader {
  readonly formatVersion: number;
  readonly splits: Record<Split, { patches: number; shards: readonly Shard[] }>;
}

/** The Gaussians of some patches: `mean` and `logStd`, each [patches, latent]. */
export interface Latents {
  readonly mean: Float32Array;
  readonly logStd: Float32Array;
}

const KIND = 'latent-shards';
const FORMAT_VERSION = 1;
const PATCHES_PER_SHARD = 2 ** 20;

/** The artifact kind that `encode-corpus` makes. */
export const latentShards = Object.freeze({
  name: KIND,
  formatVersion: FORMAT_VERSION,
  open: async (directory: string) => new LatentShards(directory, await readIndex<LatentIndex>(join(directory, 'index.json'), KIND, FORMAT_VERSION)),
  create: async (directory: string) => new LatentShardsWriter(directory),
});

export class LatentShards {
  readonly directory: string;
  readonly index: LatentIndex;
  readonly #handles = new Map<string, number>();

  constructor(directory: string, index: LatentIndex) {
    this.directory = directory;
    this.index = index;
  }

  numPatches(split: Split): number {
    return this.index.splits[split].patches;
  }

  /** The Gaussians of patches [start, start + count) of a split. */
  read(split: Split, start: number, count: number): Latents {
    const { latentSize } = this.index;
    const latents = { mean: new Float32Array(count * latentSize), logStd: new Float32Array(count * latentSize) };
    let shardStart = 0;
    for (const shard of this.index.splits[split].shards) {
      const from = Math.max(start, shardStart);
      const to = Math.min(start + count, shardStart + shard.patches);
      if (from < to) this.#readShard(shard, from - shardStart, to - from, latents, from - start);
      shardStart += shard.patches;
    }
    return latents;
  }

  close(): void {
    for (const handle of this.#handles.values()) closeSync(handle);
    this.#handles.clear();
  }

  #readShard(shard: Shard, start: number, count: number, out: Latents, offset: number): void {
    const { latentSize, dtype } = this.index;
    const record = 2 * latentSize;
    const values = dtype === 'f32' ? new Float32Array(count * record) : new Uint16Array(count * record);
    const width = values.BYTES_PER_ELEMENT;
    readSync(this.#open(shard, record * width), new Uint8Array(values.buffer), 0, values.byteLength, start * record * width);
    const numbers = dtype === 'f32' ? (values as Float32Array) : fromHalves(values as Uint16Array);
    for (let patch = 0; patch < count; patch++) {
      const at = patch * record;
      out.mean.set(numbers.subarray(at, at + latentSize), (offset + patch) * latentSize);
      out.logStd.set(numbers.subarray(at + latentSize, at + record), (offset + patch) * latentSize);
    }
  }

  #open(shard: Shard, recordBytes: number): number {
    const known = this.#handles.get(shard.file);
    if (known !== undefined) return known;
    const file = join(this.directory, shard.file);
    const handle = openSync(file, 'r');
    if (fstatSync(handle).size !== shard.patches * recordBytes)
      throw artifactBroken(file, `it has ${fstatSync(handle).size} bytes instead of ${shard.patches * recordBytes}`);
    this.#handles.set(shard.file, handle);
    return handle;
  }
}

/** Writes latents patch by patch, split by split. */
export class LatentShardsWriter {
  readonly directory: string;
  #header!: LatentHeader;
  readonly #shards: Record<Split, Shard[]> = { train: [], validation: [] };
  #handle: number | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  begin(header: LatentHeader): void {
    this.#header = header;
  }

  /** Appends the Gaussians of the next patches of a split. Splits must not be interleaved. */
  append(split: Split, latents: Latents): void {
    const { latentSize, dtype } = this.#header;
    const count = latents.mean.length / latentSize;
    const record = 2 * latentSize;
    const values = new Float32Array(count * record);
    for (let patch = 0; patch < count; patch++) {
      values.set(latents.mean.subarray(patch * latentSize, (patch + 1) * latentSize), patch * record);
      values.set(latents.logStd.subarray(patch * latentSize, (patch + 1) * latentSize), patch * record + latentSize);
    }
    const shard = this.#shardFor(split);
    appendBytes(this.#handle as number, dtype === 'f32' ? values : toHalves(values));
    this.#shards[split][this.#shards[split].length - 1] = { file: shard.file, patches: shard.patches + count };
  }

  async finish(): Promise<LatentIndex> {
    if (this.#handle !== undefined) closeSync(this.#handle);
    const summary = (shards: Shard[]) => ({ patches: shards.reduce((sum, shard) => sum + shard.patches, 0), shards });
    const splits = { train: summary(this.#shards.train), validation: summary(this.#shards.validation) };
    const index: LatentIndex = { formatVersion: FORMAT_VERSION, ...this.#header, splits };
    await writeJson(join(this.directory, 'index.json'), index);
    return index;
  }

  #shardFor(split: Split): Shard {
    const current = this.#shards[split].at(-1);
    if (current && current.patches < PATCHES_PER_SHARD) return current;
    if (this.#handle !== undefined) closeSync(this.#handle);
    const shard = { file: `${split}-${String(this.#shards[split].length).padStart(5, '0')}.bin`, patches: 0 };
    this.#handle = openSync(join(this.directory, shard.file), 'w');
    this.#shards[split].push(shard);
    return shard;
  }
}
