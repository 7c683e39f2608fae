/**
 * The files that a path or pattern of `corpus` means. What exists is itself, whatever characters its name
 * has; of a
 * pattern, the folders at its beginning that exist are themselves, and only the rest is a pattern.
 */

import { type Dirent, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, parse, resolve, sep } from 'node:path';
import { Minimatch } from 'minimatch';
import { corpusUnreadable, fileMissing, noDocuments } from '../errors.ts';
import { isHubAddress, locateData } from '../hub/index.ts';
import { expandHome } from '../paths.ts';

export interface FoundPaths {
  /** Sorted, and not looked at yet. */
  readonly paths: readonly string[];
  /** Whether a whole folder is meant, so that files in it that can't be read are passed over. */
  readonly isFolder: boolean;
}

/** @param root what relative paths are relative to */
export function findPaths(pattern: string, root: string): FoundPaths {
  if (pattern === '') throw noDocuments(['""'], root);
  if (isHubAddress(pattern)) return { paths: locateData(pattern), isFolder: false };
  const path = expandHome(pattern);
  const whole = resolve(root, path);
  const { folder, rest } = splitAtPattern(whole);
  if (rest.length === 0) return { paths: filesBelow(folder), isFolder: true };
  if (rest.length === 1 && exists(whole)) return { paths: [whole], isFolder: false };
  const matcher = new Minimatch(rest.join('/') + (path.endsWith('/') ? '/**' : ''), MATCHING);
  const paths = matchesBelow(folder, matcher);
  if (paths.length === 0 && !matcher.hasMagic()) throw fileMissing(whole, 'corpus');
  return { paths, isFolder: false };
}

/** `!` and `#` have no meaning of their own, and braces alone make a pattern. */
const MATCHING = { nonegate: true, nocomment: true, magicalBraces: true } as const;

/** The longest beginning of a path that is a folder, and the names after it. */
function splitAtPattern(path: string): { folder: string; rest: string[] } {
  let folder = parse(path).root;
  const names = path.slice(folder.length).split(sep).filter(Boolean);
  for (const [i, name] of names.entries()) {
    if (!isFolder(join(folder, name))) return { folder, rest: names.slice(i) };
    folder = join(folder, name);
  }
  return { folder, rest: [] };
}

function filesBelow(folder: string): string[] {
  const isHidden = (path: string) => /(^|\/)\./.test(path);
  return [...walk(folder, (path) => !isHidden(path))]
    .filter((path) => !isHidden(path))
    .map((path) => join(folder, path))
    .sort();
}

function matchesBelow(folder: string, matcher: Minimatch): string[] {
  const matches = [...walk(folder, (path) => matcher.match(path, true))].filter((path) =>
    matcher.match(path),
  );
  return matches.map((path) => join(folder, path)).sort();
}

/**
 * Everything below a folder that is no folder itself, by its path from there with `/`. A link is followed
 * unless it
 * leads back to a folder that it lies in.
 * @param enters whether a folder is looked into
 */
function* walk(
  folder: string,
  enters: (path: string) => boolean,
  prefix = '',
  above: ReadonlySet<string> = new Set([realpathSync(folder)]),
): Generator<string> {
  for (const { name } of entriesOf(folder)) {
    const [path, inner] = [`${prefix}${name}`, join(folder, name)];
    if (!isFolder(inner)) yield path;
    else if (enters(path)) {
      const real = realpathSync(inner);
      if (!above.has(real)) yield* walk(inner, enters, `${path}/`, new Set([...above, real]));
    }
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw corpusUnreadable(folder, error);
  }
}

/** Whether a path is a folder, by links too. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Whether there is anything of this name, even a link to nothing. */
function exists(path: string): boolean {
  try {
    return lstatSync(path) !== undefined;
  } catch {
    return false;
  }
}
