/** Where a corpus lies: text files, JSON lines, .gz of both, by path, glob or out of an installed npm package. */

import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { glob } from 'tinyglobby';
import { fileMissing, noDocuments, packageMissing } from '../errors.ts';

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

/** How a file is parted into documents. */
export type DocumentKind = CorpusSource['documents'] | 'json-line';

/** A file of the corpus, with what its freshness is judged by. */
export interface CorpusFile {
  readonly path: string;
  readonly documents: DocumentKind;
  readonly textField: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

const JSON_LINES = new Set(['.jsonl', '.ndjson', '.json']);

/** The files of all sources, sorted within each. An error if there are none. */
export async function listCorpus(
  sources: readonly CorpusSource[],
  baseDirectory: string,
): Promise<CorpusFile[]> {
  const files = (await Promise.all(sources.map((source) => filesOf(source, baseDirectory)))).flat();
  if (files.length === 0)
    throw noDocuments(
      sources.flatMap(({ files: patterns }) => patterns),
      baseDirectory,
    );
  return files;
}

async function filesOf(source: CorpusSource, baseDirectory: string): Promise<CorpusFile[]> {
  const root = source.package ? packageFolder(source.package, baseDirectory) : baseDirectory;
  const found: string[] = [];
  for (const pattern of source.files) {
    const direct = isAbsolute(pattern) ? pattern : resolve(root, pattern);
    const isFile = existsSync(direct) && statSync(direct).isFile();
    const matches = isFile
      ? [direct]
      : await glob(pattern, { cwd: root, absolute: true, onlyFiles: true, expandDirectories: true });
    if (matches.length === 0 && !/[*?[{]/.test(pattern)) throw fileMissing(direct, 'corpus');
    found.push(...matches.sort());
  }
  return found.map((path) => {
    const { size, mtimeMs } = statSync(path);
    const documents = isJsonLines(path) ? 'json-line' : source.documents;
    return { path, documents, textField: source.textField, sizeBytes: size, modifiedMs: Math.round(mtimeMs) };
  });
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
function isJsonLines(file: string): boolean {
  return JSON_LINES.has(extname(file.replace(/\.gz$/, '')));
}
