/** The weights of a Hugging Face folder, whichever of the usual files it has them in. */

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { weightsMissing } from '../errors.ts';
import type { Shape } from '../shapes.ts';
import { linkFile, readJsonAs } from './files.ts';
import { PyTorchFile } from './pytorch-file.ts';
import { ReadOnlyFiles } from './read-only-files.ts';
import { SafetensorsFile, type StoredTensor, type StoredTensors } from './safetensors.ts';

/** A file beside the index, and nothing else. */
const fileName = z.string().regex(/^[^\0/\\]+$/, 'must be the name of a file beside the index');
const weightIndex = z.object({ weight_map: z.record(z.string(), fileName) });

/**
 * Opened weights; a tensor is read when it is asked for. However many files they are in, only a few are open
 * at a time.
 */
export interface Weights extends StoredTensors, Disposable {
  /** Named in errors. */
  readonly file: string;
  /** Of a tensor, without reading it. */
  shapeOf(name: string): Shape | undefined;
  close(): void;
}

const FILES = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
] as const;

/**
 * Opens model.safetensors, sharded safetensors with their index, or pytorch_model.bin, the first of these
 * that is there.
 */
export async function openWeights(directory: string): Promise<Weights> {
  const { file, map } = await findWeights(directory);
  const files = new ReadOnlyFiles(directory);
  try {
    if (!map) return await openOne(file, files);
    const shards = new Map<string, Weights>();
    for (const shard of new Set(Object.values(map)))
      shards.set(shard, await openOne(join(directory, shard), files));
    return new ShardedWeights(file, map, shards, files);
  } catch (error) {
    files.close();
    throw error;
  }
}

/** The names of the files that `openWeights` would read, the index before its shards. */
export async function weightFiles(directory: string): Promise<string[]> {
  const { file, map = {} } = await findWeights(directory);
  return [...new Set([basename(file), ...Object.values(map)])];
}

/**
 * The files that `openWeights` would read, beside another folder's: by hard links where the file system can,
 * copied
 * where not.
 * @param pause awaited before each file
 */
export async function linkWeights(from: string, to: string, pause?: () => Promise<void>): Promise<void> {
  for (const name of await weightFiles(from)) {
    await pause?.();
    await linkFile(join(from, name), join(to, name));
  }
}

/** The first of the usual files that is there; of an index also its map, tensor → shard beside it. */
async function findWeights(
  directory: string,
): Promise<{ file: string; map?: Readonly<Record<string, string>> }> {
  const name = FILES.find((candidate) => existsSync(join(directory, candidate)));
  if (!name) throw weightsMissing(directory, FILES);
  const file = join(directory, name);
  if (!name.endsWith('.index.json')) return { file };
  const { weight_map: map } = await readJsonAs(file, weightIndex);
  return { file, map };
}

async function openOne(file: string, files: ReadOnlyFiles): Promise<Weights> {
  return file.endsWith('.bin') ? PyTorchFile.open(file, files) : new SafetensorsFile(file, files);
}

class ShardedWeights implements Weights {
  readonly file: string;
  readonly #map: Readonly<Record<string, string>>;
  readonly #shards: ReadonlyMap<string, Weights>;
  readonly #files: ReadOnlyFiles;

  constructor(
    file: string,
    map: Readonly<Record<string, string>>,
    shards: ReadonlyMap<string, Weights>,
    files: ReadOnlyFiles,
  ) {
    this.file = file;
    this.#map = map;
    this.#shards = shards;
    this.#files = files;
  }

  has(name: string): boolean {
    return this.#shardOf(name)?.has(name) ?? false;
  }

  keys(): Iterable<string> {
    return Object.keys(this.#map);
  }

  #shardOf(name: string): Weights | undefined {
    return Object.hasOwn(this.#map, name) ? this.#shards.get(this.#map[name] as string) : undefined;
  }

  shapeOf(name: string): Shape | undefined {
    return this.#shardOf(name)?.shapeOf(name);
  }

  get(name: string): StoredTensor | undefined {
    return this.#shardOf(name)?.get(name);
  }

  close(): void {
    this.#files.close();
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

/** Weights in which some tensors are replaced by a checkpoint's, which stays open when these are closed. */
export class OverlaidWeights implements Weights {
  readonly file: string;
  readonly #above: Weights;
  readonly #below: Weights;

  constructor(above: Weights, below: Weights) {
    this.file = above.file;
    this.#above = above;
    this.#below = below;
  }

  has(name: string): boolean {
    return this.#above.has(name) || this.#below.has(name);
  }

  keys(): Iterable<string> {
    return new Set([...this.#above.keys(), ...this.#below.keys()]);
  }

  shapeOf(name: string): Shape | undefined {
    return this.#above.shapeOf(name) ?? this.#below.shapeOf(name);
  }

  get(name: string): StoredTensor | undefined {
    return this.#above.get(name) ?? this.#below.get(name);
  }

  close(): void {
    this.#below.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
