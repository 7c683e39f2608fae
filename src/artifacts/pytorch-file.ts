/**
 * pytorch_model.bin: a zip of a pickle (what tensors there are) and their raw numbers. The pickle is read by an interpreter that knows tensors, tuples, dicts and
 * strings, and nothing else: whatever it names that is no tensor's part is refused, and nothing is ever called.
 */

import { basename, dirname } from 'node:path';
import yauzl from 'yauzl';
import { artifactBroken, artifactMissing, pickleRefused } from '../errors.ts';
import { type Shape, sizeOf } from '../shapes.ts';
import { type ElementType, elementWidth, toNumbers } from './element-types.ts';
import { readPickle, type TensorRecord } from './pickle.ts';
import { ReadOnlyFiles } from './read-only-files.ts';
import type { StoredTensor, StoredTensors } from './safetensors.ts';

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

interface ZipEntry {
  readonly start: number;
  readonly size: number;
}

export class PyTorchFile implements StoredTensors, Disposable {
  readonly file: string;
  readonly #files: ReadOnlyFiles;
  readonly #tensors: ReadonlyMap<string, TensorRecord>;
  readonly #entries: ReadonlyMap<string, ZipEntry>;
  readonly #root: string;

  private constructor(
    file: string,
    files: ReadOnlyFiles,
    root: string,
    entries: ReadonlyMap<string, ZipEntry>,
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
    const stored = await listStored(file);
    const read: Read = (position, length) => files.read(basename(file), position, length);
    try {
      const entries = new Map(
        stored.map(({ name, headerAt, size }) => [name, { start: dataStart(read, headerAt, file), size }]),
      );
      const pickle = [...entries].find(([name]) => name.endsWith('/data.pkl'));
      if (!pickle)
        throw artifactBroken(
          file,
          'it has no data.pkl: not a file of torch.save, or one from before PyTorch 1.6',
        );
      const [name, { start, size }] = pickle;
      if (size > MAX_PICKLE_BYTES) throw artifactBroken(file, `its data.pkl has ${size} bytes`);
      const found = readPickle(read(start, size), (what) => pickleRefused(file, what));
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
    const type = STORAGE_TYPES[record.storageType];
    const { start } = this.#entries.get(`${this.#root}data/${record.storageKey}`) as ZipEntry;
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
      expected *= shape[axis];
    }
  }
}

type Read = (position: number, length: number) => Uint8Array<ArrayBuffer>;

interface StoredEntry {
  readonly name: string;
  readonly headerAt: number;
  readonly size: number;
}

/** The entries of a zip; PyTorch compresses none. */
function listStored(file: string): Promise<StoredEntry[]> {
  return new Promise((resolve, reject) => {
    yauzl.open(file, { lazyEntries: true, autoClose: true }, (error, zip) => {
      if (error || !zip) {
        const isAbsent = (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
        reject(
          isAbsent
            ? artifactMissing(file)
            : artifactBroken(file, 'it is no zip: not a file of torch.save, or cut short', error),
        );
        return;
      }
      const entries: StoredEntry[] = [];
      const refuse = (problem: Error) => {
        zip.close();
        reject(artifactBroken(file, problem.message, problem));
      };
      /** The library throws where a place in its directory is no number that a file can have. */
      const next = () => {
        try {
          zip.readEntry();
        } catch (problem) {
          refuse(problem as Error);
        }
      };
      zip.on('error', refuse);
      zip.on('end', () => resolve(entries));
      zip.on('entry', (entry: yauzl.Entry) => {
        const { fileName: name, relativeOffsetOfLocalHeader: headerAt, uncompressedSize: size } = entry;
        if (entry.compressionMethod !== 0) return refuse(new Error(`"${name}" in it is compressed`));
        if (!(headerAt >= 0 && size >= 0 && headerAt + size <= zip.fileSize))
          return refuse(new Error(`"${name}" in it lies outside of it`));
        entries.push({ name, headerAt, size });
        next();
      });
      next();
    });
  });
}

const LOCAL_HEADER = { size: 30, signature: 0x04034b50, nameLengthAt: 26, extraLengthAt: 28 };

/** Where the bytes of an entry begin: behind its local header, a name and an extra field. */
function dataStart(read: Read, headerAt: number, file: string): number {
  const header = Buffer.from(read(headerAt, LOCAL_HEADER.size));
  if (header.readUInt32LE(0) !== LOCAL_HEADER.signature)
    throw artifactBroken(file, 'its zip directory is wrong');
  return (
    headerAt +
    LOCAL_HEADER.size +
    header.readUInt16LE(LOCAL_HEADER.nameLengthAt) +
    header.readUInt16LE(LOCAL_HEADER.extraLengthAt)
  );
}
