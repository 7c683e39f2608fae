/** A zip whose entries are not compressed, as PyTorch writes them: where the bytes of each lie. */

import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { artifactBroken, CalmError, messageOf } from '../errors.ts';
import type { ReadOnlyFiles } from './read-only-files.ts';

export interface StoredEntry {
  readonly start: number;
  readonly size: number;
}

/** The entries of a zip, by name. One that is broken, or has compressed entries, is an error. */
export async function listStored(files: ReadOnlyFiles, file: string): Promise<Map<string, StoredEntry>> {
  const size = files.size(file);
  const entries = new Map<string, StoredEntry>();
  let zip: ZipFile | undefined;
  try {
    zip = await fromRandomAccessReaderPromise(new FileReader(files, file, size), size, { autoClose: false });
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, await storedEntry(zip, entry));
    return entries;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    // Errors of the disk are for the runner to tell.
    if (error instanceof CalmError || (syscall && code !== 'EISDIR')) throw error;
    const problem = zip ? messageOf(error) : 'it is no zip: not a file of torch.save, or cut short';
    throw artifactBroken(files.path(file), problem, error);
  } finally {
    zip?.close();
  }
}

async function storedEntry(zip: ZipFile, entry: Entry): Promise<StoredEntry> {
  const { fileName, compressionMethod, uncompressedSize: size } = entry;
  if (compressionMethod !== 0) throw new Error(`"${fileName}" in it is compressed`);
  const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  if (!(start >= 0 && size >= 0 && start + size <= zip.fileSize))
    throw new Error(`"${fileName}" in it lies outside of it`);
  return { start, size };
}

/**
 * How the library reads the file: a broken place is an error that it is told, and not one that it throws past
 * us.
 */
class FileReader extends RandomAccessReader {
  readonly #files: ReadOnlyFiles;
  readonly #file: string;
  readonly #size: number;

  constructor(files: ReadOnlyFiles, file: string, size: number) {
    super();
    this.#files = files;
    this.#file = file;
    this.#size = size;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    let problem: Error | null = null;
    try {
      if (!(position >= 0 && position + length <= this.#size))
        throw new Error('a place in it lies outside of it');
      buffer.set(this.#files.read(this.#file, position, length), offset);
    } catch (error) {
      problem = error as Error;
    }
    process.nextTick(callback, problem);
  }
}
