/**
 * Where a corpus lies: files of every format that is registered, by path, pattern or out of an installed npm
 * package.
 */

import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { elementAt } from '../elements.ts';
import {
  corpusFolderUnreadable,
  corpusNotRead,
  corpusOptionsWrong,
  corpusUnreadable,
  noDocuments,
  packageMissing,
} from '../errors.ts';
import { findPaths } from './corpus-paths.ts';
import { fieldsRole } from './formats/fields.ts';
import type { CorpusFile, CorpusFormat, FormatProblem } from './formats/format.ts';
import { recogniseFormat } from './formats/recognise.ts';
import { corpusFormat } from './formats/registry.ts';

/** Where documents come from. */
export interface CorpusSource {
  /** Paths or patterns, relative to the configuration file or to the package's folder. */
  readonly files: readonly string[];
  /** An installed npm package whose files are read. */
  readonly package?: string;
  /**
   * Whether a text file is one document, or each of its paragraphs (parted by blank lines) or lines is. A
   * record of the other formats is always one.
   */
  readonly documents: CorpusFile['documents'];
  /** The field or column that holds the text. */
  readonly textField: string;
  /** Fields or columns of prompts and completions, instead of texts. One of the two is enough. */
  readonly promptField?: string | undefined;
  readonly completionField?: string | undefined;
  /** The field or column of a chat's messages, instead of texts. */
  readonly messagesField?: string | undefined;
  /** The format of the files, by its name; each is recognised where absent. */
  readonly format?: string | undefined;
  /** Options of the format's own. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** So many files that were passed over are named. */
const MOST_NAMED = 5;

/**
 * The files of all sources in order, sorted within each pattern, each file once: what another path or pattern
 * names again
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
    for (const pattern of source.files) await addFiles(files, source, pattern, root, warn);
  }
  if (files.size > 0) return [...files.values()];
  throw noDocuments(
    sources.flatMap(({ files: patterns }) => patterns),
    baseDirectory,
  );
}

/** Adds what a pattern means to the files found so far, by their real paths. */
async function addFiles(
  files: Map<string, CorpusFile>,
  source: CorpusSource,
  pattern: string,
  root: string,
  warn: (message: string) => void,
): Promise<void> {
  const { paths, isFolder } = findPaths(pattern, root);
  if (paths.length === 0) warn(`${pattern} (corpus): no such file`);
  const passedOver: string[] = [];
  for (const path of paths) {
    const real = realPathOf(path);
    if (files.has(real)) continue;
    const found = await lookAt(path, source);
    if (!('problem' in found)) {
      const lack = isFolder ? await lackOf(found) : undefined;
      if (lack === undefined) files.set(real, found);
      else passedOver.push(`${basename(path)} ${lack}`);
    } else if (isFolder) passedOver.push(`${basename(path)} ${found.problem}`);
    else throw corpusNotRead(path, found);
  }
  const isNothing = passedOver.length > 0 && passedOver.length === paths.length;
  if (isNothing) throw corpusFolderUnreadable(pattern, briefly(passedOver));
  if (passedOver.length > 0)
    warn(`${pattern}: passed over, because it can't be read: ${briefly(passedOver)}`);
}

/** What is damaged is told when it is read. */
async function lackOf(file: CorpusFile): Promise<string | undefined> {
  try {
    return await corpusFormat(file.format).lacks?.(file);
  } catch {
    return undefined;
  }
}

function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    throw corpusUnreadable(path, error);
  }
}

/**
 * What a file is and how it is read. Nothing but a regular file is opened: a pipe would wait for a writer.
 */
export async function lookAt(
  path: string,
  source: Omit<CorpusSource, 'files' | 'package'>,
): Promise<CorpusFile | FormatProblem> {
  const stats = statSync(path);
  if (!stats.isFile())
    return { problem: 'is not a regular file', advice: 'Write what it gives into a file first' };
  const begin = (most: number) => headOf(path, most);
  const found = await recogniseFormat(basename(path), begin, stats.size, source.format);
  if ('problem' in found) return found;
  const options = await optionsOf(found.format, source.options, path);
  const fields = fieldsOf(source);
  if (fields && !found.format.hasFields)
    return { problem: `is read as ${found.format.name}, which has no fields`, advice: TABLES };
  return {
    path,
    format: found.format.name,
    ...(found.compression ? { compression: found.compression.name } : {}),
    documents: source.documents,
    textField: source.textField,
    ...(fields ? { fields } : {}),
    ...(options === undefined ? {} : { options }),
    sizeBytes: stats.size,
    modifiedMs: Math.round(stats.mtimeMs),
  };
}

const TABLES = 'Prompts, completions and messages are read of JSON lines, JSON arrays, CSV, TSV and Parquet';

function fieldsOf({ promptField, completionField, messagesField }: Partial<CorpusSource>) {
  if (messagesField !== undefined) return { messages: messagesField };
  if (promptField === undefined && completionField === undefined) return undefined;
  return { prompt: promptField ?? 'prompt', completion: completionField ?? 'completion' };
}

/** A format's options as its schema gives them back; undefined where it has none. */
async function optionsOf(
  { name, options }: CorpusFormat,
  given: CorpusSource['options'],
  path: string,
): Promise<unknown> {
  if (!options) {
    const [key] = Object.keys(given ?? {});
    if (key !== undefined) throw corpusOptionsWrong(path, name, `it has none, and "${key}" is given`);
    return undefined;
  }
  const result = await options['~standard'].validate(given ?? {});
  if (!result.issues) return result.value;
  const { path: keys = [], message } = elementAt(result.issues, 0);
  const key = keys.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  throw corpusOptionsWrong(path, name, key ? `${key}: ${message}` : message);
}

/**
 * What a file is read as: format and options that decide its documents. Part of a fingerprint, so what the
 * built-in
 * formats say stays as it is.
 */
export function corpusRole(file: CorpusFile): string {
  const { format: name, documents, textField, options } = file;
  const { role, version } = corpusFormat(name);
  const own = role?.({ documents, textField }) ?? [name, documents, textField].join(' ');
  const parts = [own, ...(version ? [`v${version}`] : []), ...(options ? [JSON.stringify(options)] : [])];
  return [...parts, ...fieldsRole(file)].join(' ');
}

/** Whether a file is one document, so that by itself it leaves nothing to hold out. */
export function isOneDocument(file: CorpusFile): boolean {
  return corpusFormat(file.format).isOneDocument?.(file) ?? false;
}

/** The first bytes of a file. */
function headOf(path: string, most: number): Uint8Array {
  let handle: number | undefined;
  try {
    handle = openSync(path, 'r');
    const head = new Uint8Array(most);
    return head.subarray(0, readSync(handle, head, 0, most, 0));
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
