/** How much text files hold: bytes, documents, what can't be used, and how it begins. */

import { CalmError } from '../../errors.ts';
import { type CorpusChunk, documentsOf, readChunks } from '../corpus-chunks.ts';
import type { CorpusFile } from '../formats/format.ts';
import { corpusFormat } from '../formats/registry.ts';
import { problemOf, type UnreadFile } from './find-texts.ts';

export interface TextCount {
  /** Of text, unpacked; an estimate where not everything was read. */
  readonly bytes: number;
  /** Likewise. */
  readonly documents: number;
  /** Whether everything was read. */
  readonly isWhole: boolean;
  /** Path → bytes of each of the file's documents in order, as far as it was read. */
  readonly lengths: ReadonlyMap<string, readonly number[]>;
  /** Lines and records that can't be used. */
  readonly numBad: number;
  /** The first of them: its file and what is wrong. */
  readonly firstBad: { readonly path: string; readonly problem: string } | undefined;
  /** Files that give no document, with the reason. */
  readonly broken: readonly UnreadFile[];
  /** Documents from the beginning on, the last of them cut: half a megabyte. */
  readonly sample: readonly string[];
}

/** So much is read to count; the rest is taken for more of the same. */
const READ_BYTES = 32 * 2 ** 20;
const SAMPLE_CHARACTERS = 2 ** 19;
/** How much text a packed file holds, where it was not read to its end. An assumption: gzip on prose. */
const PACKED = 3;

/** Counts files one after the other. One that is damaged is named, and the others are counted. */
export async function countTexts(files: readonly CorpusFile[]): Promise<TextCount> {
  const [counts, broken] = [[] as FileCount[], [] as UnreadFile[]];
  let room = READ_BYTES;
  for (const file of files) {
    if (room <= 0) break;
    const counted = await countFile(file, room);
    if ('problem' in counted) broken.push({ path: file.path, ...counted });
    else {
      counts.push(counted);
      room -= counted.bytes;
    }
  }
  return { ...totalOf(counts, files, broken), broken };
}

interface FileCount {
  readonly file: CorpusFile;
  readonly bytes: number;
  /** How far it was read, as unpacked. */
  readonly offset: number;
  readonly lengths: readonly number[];
  readonly numBad: number;
  readonly firstBad: string | undefined;
  readonly isWhole: boolean;
  readonly texts: readonly string[];
}

async function countFile(file: CorpusFile, room: number): Promise<FileCount | Omit<UnreadFile, 'path'>> {
  const documents = new Documents();
  let [isWhole, numRecords, numBad, offset] = [true, 0, 0, 0];
  let firstBad: string | undefined;
  try {
    for await (const chunk of readChunks([file])) {
      const found = await documentsOf(chunk, file);
      documents.add(found.texts, chunk);
      const [bad] = found.bad;
      if (bad) firstBad ??= `${unitOf(file)} ${numRecords + bad.number} ${bad.problem}`;
      numBad += found.bad.length;
      numRecords += found.numRecords;
      offset = chunk.end.offset;
      if (documents.bytes < room) continue;
      isWhole = false;
      break;
    }
  } catch (error) {
    if (!(error instanceof CalmError)) throw error;
    return problemOf(error, file.path);
  }
  const { bytes, lengths, texts } = documents;
  if (firstBad !== undefined && lengths.length === 0)
    return { problem: `gives no document: ${firstBad}`, advice: 'Correct it, or leave it out' };
  return { file, bytes, offset, lengths, numBad, firstBad, isWhole, texts };
}

const unitOf = ({ format }: CorpusFile) => corpusFormat(format).unit ?? 'record';

/** Puts documents together that come in pieces. */
class Documents {
  /** Of those that have ended. */
  readonly lengths: number[] = [];
  readonly texts: string[] = [];
  bytes = 0;
  #characters = 0;
  #open = 0;
  #hasText = false;

  add(pieces: readonly string[], { end }: Pick<CorpusChunk, 'end'>): void {
    for (const [i, piece] of pieces.entries()) {
      const length = Buffer.byteLength(piece);
      this.bytes += length;
      this.#open += length;
      this.#hasText ||= /\S/.test(piece);
      this.#keep(piece);
      if (i < pieces.length - 1 || !end.isInside) this.#end();
    }
  }

  #end(): void {
    if (this.#hasText) this.lengths.push(this.#open);
    [this.#open, this.#hasText] = [0, false];
  }

  #keep(text: string): void {
    const kept = text.slice(0, SAMPLE_CHARACTERS - this.#characters);
    if (kept.trim() === '') return;
    this.texts.push(kept);
    this.#characters += kept.length;
  }
}

function totalOf(
  counts: readonly FileCount[],
  files: readonly CorpusFile[],
  broken: readonly UnreadFile[],
): Omit<TextCount, 'broken'> {
  const sum = (of: (count: FileCount) => number) => counts.reduce((total, count) => total + of(count), 0);
  const isWhole = counts.length + broken.length === files.length && counts.every((count) => count.isWhole);
  const all = files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  const factor = isWhole ? 1 : Math.max(1, all / sum(sizeRead));
  const bad = counts.find(({ firstBad }) => firstBad !== undefined);
  return {
    bytes: Math.round(factor * sum(({ bytes }) => bytes)),
    documents: Math.max(
      isWhole ? 0 : files.length,
      Math.round(factor * sum(({ lengths }) => lengths.length)),
    ),
    isWhole,
    lengths: new Map(counts.map(({ file, lengths }) => [file.path, lengths])),
    numBad: sum(({ numBad }) => numBad),
    firstBad: bad?.firstBad === undefined ? undefined : { path: bad.file.path, problem: bad.firstBad },
    sample: sampleOf(counts),
  };
}

/** How much of a file on the disk was read. */
function sizeRead({ file, offset, isWhole }: FileCount): number {
  if (isWhole) return file.sizeBytes;
  return Math.min(file.sizeBytes, offset / (file.compression ? PACKED : 1));
}

function sampleOf(counts: readonly FileCount[]): string[] {
  const sample: string[] = [];
  let room = SAMPLE_CHARACTERS;
  for (const text of counts.flatMap(({ texts }) => texts)) {
    if (room <= 0) break;
    sample.push(text.slice(0, room));
    room -= text.length;
  }
  return sample;
}
