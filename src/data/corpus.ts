/** Where a corpus lies: text files, JSON lines, both plain or with gzip, by path, pattern or out of an installed npm package. */

import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import {
  corpusFolderUnreadable,
  corpusFormat,
  corpusUnreadable,
  noDocuments,
  packageMissing,
} from '../errors.ts';
import { findPaths } from './corpus-paths.ts';
import { type FormatProblem, HEAD_BYTES, type ReadableFormat, recogniseFormat } from './file-formats.ts';

/** Where documents come from. */
export interface CorpusSource {
  /** Paths or patterns, relative to the configuration file or to the package's folder. */
  readonly files: readonly string[];
  /** An installed npm package whose files are read. */
  readonly package?: string;
  /** Whether a text file is one document, or each of its paragraphs (parted by blank lines) or lines is. JSON lines are always one a line. */
  readonly documents: 'file' | 'paragraph' | 'line';
  /** The field of a JSON line that holds the text. */
  readonly textField: string;
}

/** How a file is parted into documents. */
export type DocumentKind = CorpusSource['documents'] | 'json-line';

/** A file of the corpus, with what its freshness is judged by. */
export interface CorpusFile {
  readonly path: string;
  readonly documents: DocumentKind;
  readonly textField: string;
  /** Whether it is unpacked with gzip; by its content, whatever its name. */
  readonly isGzip: boolean;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** So many files that were passed over are named. */
const MOST_NAMED = 5;

/**
 * The files of all sources in order, sorted within each pattern, each file once: what another path or pattern names again
 * does not count twice. An error if there are none, or if one that is named can't be read.
 * @param warn is told of what was passed over
 */
export async function listCorpus(
  sources: readonly CorpusSource[],
  baseDirectory: string,
  warn: (message: string) => void = () => {},
): Promise<CorpusFile[]> {
  const files = new Map<string, CorpusFile>();
  for (const source of sources) {
    const root = source.package ? packageFolder(source.package, baseDirectory) : baseDirectory;
    for (const pattern of source.files) addFiles(files, source, pattern, root, warn);
  }
  if (files.size > 0) return [...files.values()];
  throw noDocuments(
    sources.flatMap(({ files: patterns }) => patterns),
    baseDirectory,
  );
}

/** Adds what a pattern means to the files found so far, by their real paths. */
function addFiles(
  files: Map<string, CorpusFile>,
  source: CorpusSource,
  pattern: string,
  root: string,
  warn: (message: string) => void,
): void {
  const { paths, isFolder } = findPaths(pattern, root);
  if (paths.length === 0) warn(`${pattern} (corpus): no such file`);
  const passedOver: string[] = [];
  for (const path of paths) {
    const real = realPathOf(path);
    if (files.has(real)) continue;
    const found = lookAt(path);
    if (!('problem' in found)) files.set(real, corpusFile(path, source, found));
    else if (isFolder) passedOver.push(`${basename(path)} ${found.problem}`);
    else throw corpusFormat(path, found);
  }
  const isNothing = passedOver.length > 0 && passedOver.length === paths.length;
  if (isNothing) throw corpusFolderUnreadable(pattern, briefly(passedOver));
  if (passedOver.length > 0)
    warn(`${pattern}: passed over, because it can't be read: ${briefly(passedOver)}`);
}

function corpusFile(path: string, { documents, textField }: CorpusSource, found: Looked): CorpusFile {
  const { isJsonLines, ...file } = found;
  return { path, documents: isJsonLines ? 'json-line' : documents, textField, ...file };
}

function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    throw corpusUnreadable(path, error);
  }
}

type Looked = ReadableFormat & Pick<CorpusFile, 'sizeBytes' | 'modifiedMs'>;

/** What a file is. Nothing but a regular file is opened: a pipe would wait for a writer. */
function lookAt(path: string): Looked | FormatProblem {
  const stats = statSync(path);
  if (!stats.isFile())
    return { problem: 'is not a regular file', advice: 'Write what it gives into a file first' };
  const head = headOf(path);
  const format = recogniseFormat(basename(path), head, head.length === stats.size);
  return 'problem' in format
    ? format
    : { ...format, sizeBytes: stats.size, modifiedMs: Math.round(stats.mtimeMs) };
}

/** The first bytes of a file. */
function headOf(path: string): Uint8Array {
  let handle: number | undefined;
  try {
    handle = openSync(path, 'r');
    const head = new Uint8Array(HEAD_BYTES);
    return head.subarray(0, readSync(handle, head, 0, HEAD_BYTES, 0));
  } catch (error) {
    throw corpusUnreadable(path, error);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function briefly(all: readonly string[]): string {
  const more = all.length - MOST_NAMED;
  return all.slice(0, MOST_NAMED).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

/** The folder of an installed package, seen from the configuration's folder, then from this program. */
function packageFolder(name: string, baseDirectory: string): string {
  for (const from of [join(baseDirectory, 'package.json'), import.meta.url]) {
    try {
      return dirname(createRequire(from).resolve(`${name}/package.json`));
    } catch {
      // Not visible from here; the other place may see it.
    }
  }
  throw packageMissing(name, baseDirectory);
}
