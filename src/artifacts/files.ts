/** Files that are whole or not there: written under another name, fsynced, renamed. */

import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { copyFile, link, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { artifactBroken, artifactMissing, artifactVersion } from '../errors.ts';

/** Writes a file so that a reader sees the old bytes or the new ones, never half of them. */
export function writeFileWhole(file: string, bytes: string | Uint8Array): Promise<void> {
  return writePiecesWhole(file, [bytes]);
}

/** Likewise for a file that is given piece by piece, so that it need not be in memory as one. */
export async function writePiecesWhole(file: string, pieces: Iterable<string | Uint8Array>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.partial`;
  const handle = await open(temporary, 'w');
  try {
    for (const piece of pieces) await handle.writeFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

/** The same file under another name: a hard link, or a copy where the file system has no such link. For files that no one writes to again. */
export async function linkFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await link(from, to).catch(() => copyFile(from, to));
}

export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFileWhole(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Reads JSON; a missing or broken file is a clear error that names it. */
export async function readJson<T>(file: string): Promise<T> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? artifactMissing(file) : error;
  });
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw artifactBroken(file, 'it is not valid JSON', error);
  }
}

/** Reads the JSON index of an artifact and refuses other format versions. */
export async function readIndex<T extends { formatVersion: number }>(file: string, kind: string, formatVersion: number): Promise<T> {
  const index = await readJson<T>(file);
  if (index?.formatVersion !== formatVersion) throw artifactVersion(file, kind, index?.formatVersion, formatVersion);
  return index;
}

/** Makes a rename of something inside `directory` survive a power cut. */
export function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Appends bytes to an open file and returns how many. */
export function appendBytes(handle: number, array: ArrayBufferView): number {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  for (let written = 0; written < bytes.length; ) written += writeSync(handle, bytes, written);
  return bytes.length;
}
