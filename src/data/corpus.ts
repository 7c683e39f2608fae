/**
 * Corpora as streams of documents: text files, JSON lines, .gz of both, by path, glob or out of an installed npm package.
 * A document comes in pieces of about a megabyte, so that memory does not grow with it.
 */

import { createReadStream, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { glob } from 'tinyglobby';
import { badCorpusLine, fileMissing, noDocuments, packageMissing } from '../errors.ts';

/** Where documents come from. */
export interface CorpusSource {
  /** Paths or globs, relative to the configuration file or to the package's folder. */
  readonly files: readonly string[];
  /** An installed npm package whose files are read. */
  readonly package?: string;
  /** Whether a text file is one document, or each of its paragraphs (parted by blank lines) or lines is. JSON lines are always one a line. */
  readonly documents: 'file' | 'paragraph' | 'line';
  /** The field of a JSON line that holds the text. */
  readonly textField: string;
}

/** A piece of a document; `isEnd` marks its last one. */
export interface DocumentPiece {
  readonly text: string;
  readonly isEnd: boolean;
}

/** A file of the corpus, with what its freshness is judged by. */
export interface CorpusFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

const PIECE_CHARACTERS = 2 ** 20;
const JSON_LINES = new Set(['.jsonl', '.ndjson', '.json']);

/** The files of all sources, sorted within each. An error if there are none. */
export async function listCorpus(sources: readonly CorpusSource[], baseDirectory: string): Promise<CorpusFile[]> {
  const files = (await Promise.all(sources.map((source) => filesOf(source, baseDirectory)))).flat();
  if (files.length === 0)
    throw noDocuments(
      sources.flatMap(({ files: patterns }) => patterns),
      baseDirectory,
    );
  return files.map((path) => ({ path, sizeBytes: statSync(path).size, modifiedMs: Math.round(statSync(path).mtimeMs) }));
}

/** Every document of every source, piece by piece. Empty documents are left out. */
export async function* readCorpus(sources: readonly CorpusSource[], baseDirectory: string): AsyncGenerator<DocumentPiece> {
  for (const source of sources) {
    for (const file of await filesOf(source, baseDirectory)) yield* withoutEmpty(readFile(file, source));
  }
}

async function filesOf(source: CorpusSource, baseDirectory: string): Promise<string[]> {
  const root = source.package ? packageFolder(source.package, baseDirectory) : baseDirectory;
  const found: string[] = [];
  for (const pattern of source.files) {
    const direct = isAbsolute(pattern) ? pattern : resolve(root, pattern);
    const isFile = existsSync(direct) && statSync(direct).isFile();
    const matches = isFile ? [direct] : await glob(pattern, { cwd: root, absolute: true, onlyFiles: true, expandDirectories: true });
    if (matches.length === 0 && !/[*?[{]/.test(pattern)) throw fileMissing(direct, 'corpus');
    found.push(...matches.sort());
  }
  return found;
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

/** Whether a file holds JSON lines, by its name: .jsonl, .ndjson, .json, or one of these with .gz. */
export function isJsonLines(file: string): boolean {
  return JSON_LINES.has(extname(file.replace(/\.gz$/, '')));
}

async function* readFile(file: string, source: CorpusSource): AsyncGenerator<DocumentPiece> {
  const isZipped = extname(file) === '.gz';
  const stream = isZipped ? createReadStream(file).pipe(createGunzip()) : createReadStream(file);
  if (isJsonLines(file)) yield* readJsonLines(stream, file, source.textField);
  else if (source.documents === 'file') yield* readWhole(stream);
  else yield* readParted(stream, source.documents);
}

async function* readJsonLines(stream: Readable, file: string, textField: string): AsyncGenerator<DocumentPiece> {
  let number = 0;
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (line.trim()) yield { text: textOf(line, file, number, textField), isEnd: true };
  }
}

function textOf(line: string, file: string, number: number, textField: string): string {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    throw badCorpusLine(file, number, 'The line is not valid JSON.');
  }
  const text = (record as Record<string, unknown> | null)?.[textField];
  if (typeof text !== 'string') throw badCorpusLine(file, number, `The line has no text in a field "${textField}".`);
  return text;
}

/** A file as one document, cut where a line ends and the next begins with ink: no tokenizer that splits at whitespace joins across. */
async function* readWhole(stream: Readable): AsyncGenerator<DocumentPiece> {
  let pending = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    pending += chunk;
    while (pending.length >= PIECE_CHARACTERS) {
      const cut = lastSafeCut(pending);
      if (cut === 0) break;
      yield { text: pending.slice(0, cut), isEnd: false };
      pending = pending.slice(cut);
    }
  }
  yield { text: pending, isEnd: true };
}

/** After the last newline that ink follows; a text without one is cut at 16 pieces, between whole characters. */
function lastSafeCut(text: string): number {
  for (let at = text.lastIndexOf('\n', text.length - 2); at > 0; at = text.lastIndexOf('\n', at - 1)) {
    if (/\S/.test(text[at + 1])) return at + 1;
  }
  if (text.length < 16 * PIECE_CHARACTERS) return 0;
  const isSurrogate = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
  return text.length - (isSurrogate ? 1 : 0);
}

async function* readParted(stream: Readable, documents: 'paragraph' | 'line'): AsyncGenerator<DocumentPiece> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (documents === 'line') yield { text: line, isEnd: true };
    else if (line.trim()) lines.push(line);
    else if (lines.length) yield { text: lines.splice(0).join('\n'), isEnd: true };
  }
  if (lines.length) yield { text: lines.join('\n'), isEnd: true };
}

async function* withoutEmpty(pieces: AsyncGenerator<DocumentPiece>): AsyncGenerator<DocumentPiece> {
  let hasText = false;
  for await (const piece of pieces) {
    hasText ||= piece.text.trim().length > 0;
    if (hasText) yield piece;
    if (piece.isEnd) hasText = false;
  }
}
