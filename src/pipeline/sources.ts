/**
 * The files that a stage reads from outside of the run. Sizes and times are the quick check; contents decide.
 */

import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { hashFile } from '../artifacts/index.ts';
import type { SourceFile } from '../plugin/index.ts';
import type { SourceRecord } from '../runs/index.ts';

/**
 * Sizes, times and SHA-256 of source files. A file whose path, size and time are as they were known is not
 * read.
 * @param known from manifests and unfinished work
 */
export async function describeSources(
  files: readonly SourceFile[],
  known: readonly SourceRecord[],
): Promise<SourceRecord[]> {
  const records = new Map(known.map((record) => [record.path, record]));
  const described: SourceRecord[] = [];
  for (const { path, role } of files) {
    const { size: bytes, mtimeMs } = statSync(path);
    const modifiedMs = Math.round(mtimeMs);
    const before = records.get(path);
    const isSame = before?.bytes === bytes && before.modifiedMs === modifiedMs;
    const sha256 = isSame ? before.sha256 : await hashFile(path);
    described.push({ path, bytes, modifiedMs, sha256, ...(role === undefined ? {} : { role }) });
  }
  return described;
}

/** What of source files a result follows from: contents, what they are read as, their order. */
export function contentsOf(sources: readonly SourceRecord[] | undefined) {
  return sources?.map(({ sha256, role = '' }) => [sha256, role]);
}

/** Every file of a folder that no run made, by its path inside; none where the folder is not there. */
export async function describeFolder(
  directory: string,
  known: readonly SourceRecord[],
): Promise<SourceRecord[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  const files = paths.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
  return describeSources(
    files.map((path) => ({ path, role: relative(directory, path) })),
    known,
  );
}
