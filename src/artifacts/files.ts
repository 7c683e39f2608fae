/** Files that are whole or not there: written under another name, fsynced, renamed. */

import { createHash } from 'node:crypto';
import { closeSync, constants, createReadStream, existsSync, fsyncSync, openSync, readSync } from 'node:fs';
import { copyFile, link, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { z } from 'zod';
import { artifactBroken, artifactMissing, artifactVersion } from '../errors.ts';

/** Writes a file so that a reader sees the old bytes or the new ones, never half of them. */
export async function writeFileWhole(file: string, bytes: string | Uint8Array): Promise<void> {
  await writePiecesWhole(file, [bytes]);
}

/**
 * Likewise for a file that is given piece by piece, so that it need not be in memory as one.
 * @returns its SHA-256, made while the disk is at work
 */
export async function writePiecesWhole(file: string, pieces: Iterable<string | Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.partial`;
  try {
    const handle = await open(temporary, 'w');
    try {
      for (const piece of pieces) {
        const writing = handle.writeFile(piece);
        hash.update(piece);
        await writing;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    return hash.digest('hex');
  } catch (error) {
    // A full disk gets back what was written.
    await rm(temporary, { force: true }).catch(() => {});
    throw Object.assign(error as NodeJS.ErrnoException, { path: file });
  }
}

/**
 * The same file under another name: a hard link, or a copy where the file system has no such link. For files
 * that no one
 * writes to again. Of a symbolic link the file that it leads to is taken, so that the new name stands alone.
 */
export async function linkFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const real = await realpath(from);
  await link(real, to).catch(() => copyFileWhole(real, to));
}

/** Copies a file so that a reader sees all of the copy or what was there before. */
async function copyFileWhole(from: string, to: string): Promise<void> {
  const temporary = `${to}.partial`;
  try {
    await copyFile(from, temporary, constants.COPYFILE_FICLONE);
    syncFile(temporary);
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/**
 * Makes a folder and those above it. Node's own recursive call never ends where a file system refuses new
 * folders as
 * missing, as /proc does.
 */
export async function makeFolder(directory: string): Promise<void> {
  const missing: string[] = [];
  for (let path = resolve(directory); !existsSync(path); path = dirname(path)) missing.unshift(path);
  for (const path of missing)
    await mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
}

export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFileWhole(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** A larger JSON file is none of ours; tokenizers, the largest, have some ten megabytes. */
const LARGEST_JSON = 256 * 2 ** 20;

/** Reads JSON; a missing, broken or huge file is a clear error that names it. */
export async function readJson<T>(file: string): Promise<T> {
  const text = await readText(file);
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw artifactBroken(file, 'it is not valid JSON', error);
  }
}

/** Reads a text file that is not huge. */
export async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > LARGEST_JSON)
      throw artifactBroken(file, `it has ${size} bytes, and at most ${LARGEST_JSON} are read`);
    return await readFile(file, 'utf8');
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? artifactMissing(file) : error;
  }
}

/** Reads JSON of a known shape. What does not fit is an error that names the key. */
export async function readJsonAs<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  return checkJson(file, await readJson<unknown>(file), schema);
}

function checkJson<Schema extends z.ZodType>(file: string, value: unknown, schema: Schema): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues as [z.core.$ZodIssue];
  throw artifactBroken(file, `${path.map(String).join('.') || 'it'}: ${message}`);
}

/** Reads the JSON index of an artifact and refuses other format versions. */
export async function readIndex<Schema extends z.ZodType>(
  file: string,
  kind: string,
  formatVersion: number,
  schema: Schema,
): Promise<z.output<Schema>> {
  const index = await readJson<{ formatVersion?: unknown } | null>(file);
  if (index?.formatVersion !== formatVersion)
    throw artifactVersion(file, kind, index?.formatVersion, formatVersion);
  return checkJson(file, index, schema);
}

/** SHA-256 of a file, in hexadecimal. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}

/** Makes a file's contents survive a power cut. */
export function syncFile(file: string): void {
  const handle = openSync(file, 'r');
  try {
    naming(file, () => fsyncSync(handle));
  } finally {
    closeSync(handle);
  }
}

/** Makes a rename of something inside a directory survive a power cut. */
export const syncDirectory = syncFile;

/** Puts the file's name into what goes wrong with its handle. */
export function naming<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw Object.assign(error as NodeJS.ErrnoException, {
      path: (error as NodeJS.ErrnoException).path ?? file,
    });
  }
}

/** Reads `length` bytes of an open file from a place, in calls of at most a gigabyte. */
export function readBytes(
  handle: number,
  position: number,
  length: number,
  file: string,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = naming(file, () =>
      readSync(handle, bytes, done, Math.min(length - done, 2 ** 30), position + done),
    );
    if (count === 0) throw artifactBroken(file, 'it ended while it was read');
    done += count;
  }
  return bytes;
}
