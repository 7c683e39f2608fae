/** The shortest paths and patterns that mean certain files and no others, as `corpus` has them. */

import { basename, dirname, extname, join, relative, sep } from 'node:path';
import type { CorpusSource } from '../corpus.ts';
import { findPaths } from '../corpus-paths.ts';
import { unpackedName } from '../formats/compressions.ts';
import type { CorpusFile } from '../formats/format.ts';

/** What else lies among the files, by paths. */
interface Beside {
  /** Files that no format reads, which a folder may hold too. */
  readonly unread: readonly string[];
  /** Folders that no pattern should look into. */
  readonly skipped: readonly string[];
}

/**
 * A source for each field or column that holds text; texts go with the usual one.
 * @param root what patterns are relative to
 */
export function sourcesFor(files: readonly CorpusFile[], beside: Beside, root: string): CorpusSource[] {
  const fromRoot = (path: string) => relative(root, path).split(sep).join('/');
  const others = { unread: beside.unread.map(fromRoot), skipped: beside.skipped.map(fromRoot) };
  return groupedBy(files, ({ textField, documents }) => `${documents} ${textField}`).map((group) => {
    const [{ documents, textField }] = group;
    const paths = group.map(({ path }) => fromRoot(path));
    const patterns = groupedBy(paths, topOf).flatMap((below) => patternsFor(below, others, root));
    return { files: patterns, documents, textField };
  });
}

/**
 * What means the files below a folder of the root: a pattern for each ending; else the folder itself; else
 * patterns for the folders in it, or the files by name.
 */
function patternsFor(paths: readonly string[], { unread, skipped }: Beside, root: string): string[] {
  const top = topOf(paths[0] as string);
  const byEnding = groupedBy(paths, endingOf);
  const isOpen = !skipped.some((path) => path.startsWith(`${top}/`));
  const patterns = byEnding.map((group) => (isOpen ? patternOf(group, top, root) : undefined));
  if (patterns.every((pattern) => pattern !== undefined)) return patterns;
  if (isOpen && top !== '.' && isMeantBy(top, new Set([...paths, ...unread]), root)) return [top];
  return byEnding.flatMap(
    (group, i) =>
      patterns[i] ?? (isOpen ? patternOf(group, top, root, true) : undefined) ?? patternsWithin(group, root),
  );
}

function patternsWithin(paths: readonly string[], root: string): string[] {
  return groupedBy(paths, dirname).flatMap((inside) => {
    const pattern = patternOf(inside, dirname(inside[0]), root);
    return pattern === undefined ? inside : [pattern];
  });
}

/** Whether a folder holds nothing but these files. */
function isMeantBy(folder: string, paths: ReadonlySet<string>, root: string): boolean {
  return findPaths(folder, root).paths.every((path) => paths.has(relative(root, path)));
}

/**
 * A pattern that means these files exactly; undefined where there is none so simple.
 * @param mayLeaveOut whether it may name a few files that it does not mean
 */
function patternOf(
  paths: readonly string[],
  folder: string,
  root: string,
  mayLeaveOut = false,
): string | undefined {
  const [first, ...others] = paths;
  if (first === undefined || others.length === 0) return first;
  const isFlat = paths.every((path) => dirname(path) === folder);
  const ending = endingOf(first);
  const within = (name: string) =>
    join(folder, ...(isFlat ? [] : ['**']), name)
      .split(sep)
      .join('/');
  const meant = meantBy(within(`*${ending}`), root);
  if (!paths.every((path) => meant.has(path))) return undefined;
  if (meant.size === paths.length) return within(`*${ending}`);
  if (!mayLeaveOut || paths.length < FEWEST_TO_LEAVE_OUT) return undefined;
  // All but a few, which the pattern names.
  const leftOut = [...meant].filter((path) => !paths.includes(path)).map((path) => basename(path, ending));
  if (leftOut.length > MOST_LEFT_OUT || !leftOut.every((name) => /^[\w .-]+$/.test(name))) return undefined;
  const pattern = within(`!(${[...new Set(leftOut)].join('|')})${ending}`);
  return meantBy(pattern, root).size === paths.length ? pattern : undefined;
}

/** Files that a pattern may leave out by name, and how many it must mean to be worth it. */
const [MOST_LEFT_OUT, FEWEST_TO_LEAVE_OUT] = [5, 10];

function meantBy(pattern: string, root: string): Set<string> {
  return new Set(findPaths(pattern, root).paths.map((path) => relative(root, path)));
}

function topOf(path: string): string {
  const [first = '', ...rest] = path.split('/');
  return rest.length > 0 ? first : '.';
}

/** `.txt`, `.jsonl.gz`; '' where there is none. */
function endingOf(path: string): string {
  const name = basename(path);
  const unpacked = unpackedName(name);
  return extname(unpacked) + name.slice(unpacked.length);
}

function groupedBy<T>(all: readonly T[], keyOf: (one: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return [...groups.values()];
}
