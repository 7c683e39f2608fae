/**
 * pytorch_model.bin: a zip of a pickle (what tensors there are) and their raw numbers. The pickle is read by
 * an interpreter that knows tensors, tuples, dicts and
 * strings, and nothing else: whatever it names that is no tensor's part is refused, and nothing is ever
 * called.
 */

import { basename, dirname } from 'node:path';
import { artifactBroken, pickleRefused } from '../errors.ts';
import { type Shape, sizeOf } from '../shapes.ts';
import { type ElementType, elementWidth, toNumbers } from './element-types.ts';
import { readPickle, type TensorRecord } from './pickle.ts';
import { ReadOnlyFiles } from './read-only-files.ts';
import type { StoredTensor, StoredTensors } from './safetensors.ts';
import { listStored, type StoredEntry } from './stored-zip.ts';

/** A larger pickle is no list of tensors. */
const MAX_PICKLE_BYTES = 64 * 2 ** 20;

const STORAGE_TYPES: Readonly<Record<string, ElementType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

export class PyTorchFile implements StoredTensors, Disposable {
  readonly file: string;
  readonly #files: ReadOnlyFiles;
  readonly #tensors: ReadonlyMap<string, TensorRecord>;
  readonly #entries: ReadonlyMap<string, StoredEntry>;
  readonly #root: string;

  private constructor(
    file: string,
    files: ReadOnlyFiles,
    root: string,
    entries: ReadonlyMap<string, StoredEntry>,
    tensors: ReadonlyMap<string, TensorRecord>,
  ) {
    this.file = file;
    this.#files = files;
    this.#root = root;
    this.#entries = entries;
    this.#tensors = tensors;
  }

  /**
   * Opens a file. One that is no zip of tensors, or holds anything else, is an error.
   * @param files of its folder, where several share them
   */
  static async open(file: string, files = new ReadOnlyFiles(dirname(file))): Promise<PyTorchFile> {
    try {
      const entries = await listStored(files, basename(file));
      const pickle = [...entries].find(([name]) => name.endsWith('/data.pkl'));
      if (!pickle)
        throw artifactBroken(
          file,
          'it has no data.pkl: not a file of torch.save, or one from before PyTorch 1.6',
        );
      const [name, { start, size }] = pickle;
      if (size > MAX_PICKLE_BYTES) throw artifactBroken(file, `its data.pkl has ${size} bytes`);
      const found = readPickle(files.read(basename(file), start, size), (what) => pickleRefused(file, what));
      const opened = new PyTorchFile(file, files, name.slice(0, -'data.pkl'.length), entries, found);
      for (const [tensor, record] of found) opened.#check(tensor, record);
      return opened;
    } catch (error) {
      files.close();
      throw error;
    }
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  keys(): Iterable<string> {
    return this.#tensors.keys();
  }

  shapeOf(name: string): Shape | undefined {
    return this.#tensors.get(name)?.shape;
  }

  get(name: string): StoredTensor | undefined {
    const record = this.#tensors.get(name);
    if (!record) return undefined;
    const type = STORAGE_TYPES[record.storageType] as ElementType;
    const { start } = this.#entries.get(`${this.#root}data/${record.storageKey}`) as StoredEntry;
    const width = elementWidth(type);
    const bytes = this.#files.read(
      basename(this.file),
      start + record.offset * width,
      sizeOf(record.shape) * width,
    );
    return { shape: record.shape, data: toNumbers(bytes, type) };
  }

  close(): void {
    this.#files.close();
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }

  #check(name: string, { storageKey, storageType, shape, strides, offset }: TensorRecord): void {
    const type = STORAGE_TYPES[storageType];
    if (!type)
      throw artifactBroken(this.file, `tensor "${name}" has the type ${storageType}, which can't be read`);
    const entry = this.#entries.get(`${this.#root}data/${storageKey}`);
    if (!entry) throw artifactBroken(this.file, `the numbers of tensor "${name}" are missing`);
    const sizes = [...shape, ...strides, offset];
    const isSane =
      sizes.every((size) => Number.isSafeInteger(size) && size >= 0) && shape.length === strides.length;
    if (!isSane || (offset + sizeOf(shape)) * elementWidth(type) > entry.size)
      throw artifactBroken(this.file, `tensor "${name}" does not fit its numbers`);
    let expected = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (shape[axis] !== 1 && strides[axis] !== expected)
        throw artifactBroken(this.file, `tensor "${name}" is a view with gaps; save it contiguous`);
      expected *= shape[axis] as number;
    }
  }
}
