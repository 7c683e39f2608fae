/**
 * Whether a finished stage's files are what its manifest says: sizes at every plan, contents when asked for.
 */

import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { hashFile } from '../artifacts/index.ts';

const pathInside = z
  .string()
  .refine((path) => !isAbsolute(path) && !path.split(/[\\/]/).includes('..'), 'must lie inside the folder');

/** Path inside the stage's folder → size and SHA-256. */
export const fileList = z.record(pathInside, z.object({ bytes: z.number(), sha256: z.string() }));
export type FileList = Readonly<z.infer<typeof fileList>>;

/** How far a stage at work is, for other terminals. */
export const PROGRESS_FILE = 'progress.json';
/** What lies beside a stage's results while it works, and goes when it is done. */
export const WORK_FILES: readonly string[] = ['work.json', PROGRESS_FILE];
/** Checkpoints have hashes of their own, and a result stands without them. */
const NOT_RESULTS = new Set(['manifest.json', 'checkpoints', ...WORK_FILES]);

/** Every file of a finished stage. */
export async function listFiles(directory: string): Promise<FileList> {
  const paths = await filesBelow(directory, '');
  const entries = [];
  for (const path of paths.sort())
    entries.push([
      path,
      { bytes: (await stat(join(directory, path))).size, sha256: await hashFile(join(directory, path)) },
    ] as const);
  return Object.fromEntries(entries);
}

async function filesBelow(directory: string, inside: string): Promise<string[]> {
  const entries = await readdir(join(directory, inside), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter(({ name }) => inside !== '' || !NOT_RESULTS.has(name))
      .map((entry) =>
        entry.isDirectory() ? filesBelow(directory, join(inside, entry.name)) : [join(inside, entry.name)],
      ),
  );
  return found.flat();
}

/**
 * What is wrong with the files of a stage, in words; nothing where all is well. Files that are there besides
 * do not matter.
 * @param isFull contents too, which reads every byte
 */
export async function problemsOf(directory: string, files: FileList, isFull: boolean): Promise<string[]> {
  const problems: string[] = [];
  for (const [path, { bytes, sha256 }] of Object.entries(files)) {
    const found = await stat(join(directory, path)).catch(() => undefined);
    if (!found) problems.push(`${path} is missing`);
    else if (found.size !== bytes) problems.push(`${path} has ${found.size} bytes instead of ${bytes}`);
    else if (isFull && (await hashFile(join(directory, path))) !== sha256)
      problems.push(`${path} has other contents`);
  }
  return problems;
}
