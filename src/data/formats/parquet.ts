/**
 * Parquet, by hyparquet: the pages of one column, one after the other. A chunk is about a megabyte of a
 * column's pages, as unpacked, with the dictionary that they refer to; it is unpacked where it is parsed.
 */

import * as zlib from 'node:zlib';
import type { ColumnMetaData, Compressors, FileMetaData, PageHeader } from 'hyparquet';
import { elementAt } from '../../elements.ts';
import { corpusColumnMissing } from '../../errors.ts';
import { neededFields } from './fields.ts';
import { FileBytes } from './file-bytes.ts';
import type {
  BadRecord,
  ChunkDocuments,
  CorpusFile,
  CorpusFormat,
  FieldLength,
  FileChunk,
  FileHead,
  FilePlace,
  FormatProblem,
} from './format.ts';
import { readRows, withBuffer } from './parquet-rows.ts';
import { CHUNK_BYTES, decoder } from './text-policy.ts';
import { HAS_ZSTD } from './zstd.ts';

export const parquet: CorpusFormat = {
  name: 'parquet',
  summary: 'Parquet tables; `textField` says which column holds the text.',
  unit: 'row',
  isRandomAccess: true,
  recognises,
  read,
  parse,
  role: ({ textField }) => `parquet ${textField}`,
  hasFields: true,
  lacks: async (file) => {
    const lack = missingColumn(file, await metadataOf(file.path));
    return lack === undefined ? undefined : `has no column "${lack}" with text`;
  },
  textFields,
};

function recognises({ ending, bytes }: FileHead): boolean | FormatProblem {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
  if (magic === 'PAR1') return true;
  if (magic === 'PARE')
    return { problem: 'is an encrypted Parquet table', advice: 'Write it without encryption' };
  // Text may be the pointer to a file; what it is, is said by others.
  return ending === 'parquet' && bytes.includes(0)
    ? { problem: 'is called Parquet and does not begin as such', advice: 'Get the file again' }
    : false;
}

/** The page that comes next, by its place in the file; the first of its row group where absent. */
interface PagePlace {
  readonly group: number;
  readonly page?: number;
}

async function* read(file: CorpusFile, from: FilePlace): AsyncGenerator<FileChunk> {
  const metadata = await metadataOf(file.path);
  const column = columnOf(file, metadata);
  if (file.fields) {
    yield* readRows(file, from, metadata, await compressors());
    return;
  }
  const place = (from.state ?? { group: 0 }) as PagePlace;
  let { offset } = from;
  for (let group = place.group; group < metadata.row_groups.length; group++) {
    const page = group === place.group ? place.page : undefined;
    for await (const { bytes, end, isLast } of groupChunks(file, metadata, group, column, page)) {
      offset = Math.max(offset + 1, end);
      const state: PagePlace = isLast ? { group: group + 1 } : { group, page: end };
      yield { bytes, end: { offset, state } };
    }
  }
}

/** Opens no more than the footer. */
async function metadataOf(path: string): Promise<FileMetaData> {
  const { parquetMetadataAsync } = await import('hyparquet');
  return withBuffer(path, (buffer) => parquetMetadataAsync(buffer, { geoparquet: false }));
}

/** The columns of a schema, nested ones by the name of the whole, with what they hold. */
function columnsOf({ schema }: FileMetaData): { name: string; type: string; isNullable: boolean }[] {
  const columns: { name: string; type: string; isNullable: boolean }[] = [];
  for (let i = 1; i < schema.length; i += sizeOf(schema, i)) {
    const { name, type, num_children, repetition_type } = elementAt(schema, i);
    const isFlat = !num_children && repetition_type !== 'REPEATED';
    columns.push({
      name,
      type: isFlat ? String(type) : 'nested',
      isNullable: repetition_type !== 'REQUIRED',
    });
  }
  return columns;
}

/** How many elements of a schema belong to the one at a place, itself included. */
function sizeOf(schema: FileMetaData['schema'], at: number): number {
  let size = 1;
  for (let child = 0; child < (elementAt(schema, at).num_children ?? 0); child++)
    size += sizeOf(schema, at + size);
  return size;
}

const TEXT = 'BYTE_ARRAY';

interface Column {
  readonly name: string;
  readonly isNullable: boolean;
}

/** The first column that is needed and not there; messages may be a column of lists. */
function missingColumn(file: Wanted, metadata: FileMetaData): string | undefined {
  const isNested = file.fields !== undefined && 'messages' in file.fields;
  const usable = columnsOf(metadata).filter(({ type }) => type === TEXT || (isNested && type === 'nested'));
  return neededFields(file).find((field) => !usable.some(({ name }) => name === field));
}

type Wanted = Pick<CorpusFile, 'path' | 'textField' | 'fields'>;

/** The first column that is needed. An error that lists the columns where one is missing. */
function columnOf(file: Wanted, metadata: FileMetaData): Column {
  const columns = columnsOf(metadata);
  const lack = missingColumn(file, metadata);
  const found = columns.find(({ name }) => name === neededFields(file)[0]);
  if (lack === undefined && found) return found;
  const named = columns.map(({ name, type }) => (type === TEXT ? name : `${name} (${type})`));
  throw corpusColumnMissing(file.path, lack ?? file.textField, named, false);
}

function columnChunk({ row_groups }: FileMetaData, group: number, { name }: Column): ColumnMetaData {
  const found = elementAt(row_groups, group).columns.find(
    ({ meta_data }) => meta_data?.path_in_schema.length === 1 && meta_data.path_in_schema[0] === name,
  );
  if (!found?.meta_data) throw new Error(`its column "${name}" is encrypted or lies in another file`);
  return found.meta_data;
}

interface GroupChunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where its last page ends in the file. */
  readonly end: number;
  /** Whether the group ends with it. */
  readonly isLast: boolean;
}

/** The chunks of a row group from a page on. */
async function* groupChunks(
  file: Pick<CorpusFile, 'path'>,
  metadata: FileMetaData,
  group: number,
  column: Column,
  firstPage: number | undefined,
): AsyncGenerator<GroupChunk> {
  const chunk = columnChunk(metadata, group, column);
  if (Number(chunk.num_values) === 0) return;
  const data = Number(chunk.data_page_offset);
  const begin =
    Number(chunk.dictionary_page_offset) > 0 ? Math.min(Number(chunk.dictionary_page_offset), data) : data;
  const end = begin + Number(chunk.total_compressed_size);
  let pages = new Pages(file, begin, end);
  try {
    const dictionary = await pages.takeDictionary();
    if (firstPage !== undefined) {
      pages.close();
      pages = new Pages(file, firstPage, end);
    }
    for (;;) {
      const found = await pages.takeSome();
      if (found.length === 0) return;
      const needed = dictionary && found.some(({ isIndexed }) => isIndexed) ? [dictionary] : [];
      const info: ChunkInfo = { codec: chunk.codec, ...column };
      const bytes = packed(info, [...needed, ...found.map((page) => page.bytes)]);
      yield { bytes, end: pages.at, isLast: pages.at >= end };
    }
  } finally {
    pages.close();
  }
}

interface Page {
  /** With its header. */
  readonly bytes: Uint8Array;
  /** As unpacked. */
  readonly size: number;
  /** Whether its values are places in the dictionary. */
  readonly isIndexed: boolean;
}

/** The pages of a column of a row group, read in order. */
class Pages {
  /** Where the next page begins in the file. */
  at: number;
  readonly #end: number;
  readonly #bytes: FileBytes;

  constructor({ path }: Pick<CorpusFile, 'path'>, at: number, end: number) {
    this.at = at;
    this.#end = end;
    this.#bytes = new FileBytes({ path }, at);
  }

  /** The dictionary, if that is what comes. */
  async takeDictionary(): Promise<Uint8Array | undefined> {
    if (this.at >= this.#end) return undefined;
    const { header, length } = await this.#header();
    return header.type === 'DICTIONARY_PAGE' ? (await this.#take(header, length)).bytes : undefined;
  }

  /** The next pages, about a megabyte of them as unpacked; none at the end. */
  async takeSome(): Promise<Page[]> {
    const pages: Page[] = [];
    for (let size = 0; this.at < this.#end && size < CHUNK_BYTES; size += pages.at(-1)?.size ?? 0) {
      const { header, length } = await this.#header();
      const page = await this.#take(header, length);
      if (header.type === 'DATA_PAGE' || header.type === 'DATA_PAGE_V2') pages.push(page);
    }
    return pages;
  }

  close(): void {
    this.#bytes.close();
  }

  async #take(header: PageHeader, headerLength: number): Promise<Page> {
    const length = headerLength + header.compressed_page_size;
    const bytes = await this.#bytes.read(length);
    if (!bytes) throw new Error('it ends before its pages do');
    this.at += length;
    const { encoding } = header.data_page_header ?? header.data_page_header_v2 ?? {};
    return {
      bytes,
      size: Number(header.uncompressed_page_size),
      isIndexed: encoding?.endsWith('_DICTIONARY') ?? false,
    };
  }

  /** The header of the next page, which is as long as it happens to be. */
  async #header(): Promise<{ header: PageHeader; length: number }> {
    const { parquetHeader } = await import('hyparquet/src/column.js');
    for (let size = SHORT_HEADER; ; size *= 16) {
      await this.#bytes.fill(size);
      const held = this.#bytes.view(size);
      const reader = { view: new DataView(held.buffer, held.byteOffset, held.length), offset: 0 };
      try {
        return { header: parquetHeader(reader), length: reader.offset };
      } catch (error) {
        if (this.#bytes.isAll(size) || size > LONGEST_HEADER) throw error;
      }
    }
  }
}

const [SHORT_HEADER, LONGEST_HEADER] = [2 ** 12, 2 ** 24];

/** What is said of a chunk's pages before them. */
interface ChunkInfo extends Column {
  readonly codec: ColumnMetaData['codec'];
}

function packed(info: ChunkInfo, pages: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const said = Buffer.from(JSON.stringify(info));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(said.length);
  const all = [length, said, ...pages];
  const bytes = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function parse(bytes: Uint8Array<ArrayBuffer>): Promise<ChunkDocuments> {
  const documents: string[] = [];
  const bad: BadRecord[] = [];
  const values = await valuesIn(bytes);
  for (const [i, value] of values.entries()) {
    const text = value ? decoded(value) : undefined;
    if (text !== undefined) documents.push(text);
    else bad.push({ number: i + 1, problem: value ? 'is not UTF-8' : 'has no text: it is null' });
  }
  return { documents, bad, numRecords: values.length };
}

function decoded(value: Uint8Array): string | undefined {
  try {
    return decoder.decode(value);
  } catch {
    return undefined;
  }
}

/** The values of a chunk's pages; null where there is none. */
async function valuesIn(bytes: Uint8Array<ArrayBuffer>): Promise<(Uint8Array | null | undefined)[]> {
  const [{ readColumn }, { DEFAULT_PARSERS }] = await Promise.all([
    import('hyparquet/src/column.js'),
    import('hyparquet/src/convert.js'),
  ]);
  const begin = 4 + Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt32LE();
  const { codec, name, isNullable } = JSON.parse(decoder.decode(bytes.subarray(4, begin))) as ChunkInfo;
  const element = { name, type: TEXT, repetition_type: isNullable ? 'OPTIONAL' : 'REQUIRED' } as const;
  const leaf = { count: 1, element, children: [], path: [name] };
  const root = { count: 2, element: { name: 'schema', num_children: 1 }, children: [leaf], path: [] };
  const { data } = readColumn(
    { view: new DataView(bytes.buffer, bytes.byteOffset + begin, bytes.length - begin), offset: 0 },
    {
      groupStart: 0,
      selectStart: 0,
      selectEnd: Number.POSITIVE_INFINITY,
      groupRows: Number.POSITIVE_INFINITY,
    },
    {
      pathInSchema: [name],
      type: TEXT,
      element,
      schemaPath: [root, leaf],
      codec,
      parsers: DEFAULT_PARSERS,
      compressors: await compressors(),
      // Bytes, so that what is not UTF-8 is seen.
      utf8: false,
    },
  );
  return data.flatMap((page) => Array.from(page as unknown as ArrayLike<Uint8Array | null | undefined>));
}

let loaded: Promise<Compressors> | undefined;

/** Node's own where it has them, which are faster. */
function compressors(): Promise<Compressors> {
  loaded ??= import('hyparquet-compressors').then(({ compressors: library }) => ({
    ...library,
    GZIP: (bytes) => zlib.gunzipSync(bytes),
    BROTLI: (bytes) => zlib.brotliDecompressSync(bytes),
    ...(HAS_ZSTD ? { ZSTD: (bytes: Uint8Array) => zlib.zstdDecompressSync(bytes) } : {}),
  }));
  return loaded;
}

async function textFields({ path }: Pick<CorpusFile, 'path'>): Promise<FieldLength[]> {
  const metadata = await metadataOf(path);
  const fields: FieldLength[] = [];
  if (metadata.row_groups.length === 0) return fields;
  for (const { name, isNullable, type } of columnsOf(metadata)) {
    if (type !== TEXT) continue;
    for await (const { bytes } of groupChunks({ path }, metadata, 0, { name, isNullable }, undefined)) {
      const { documents } = await parse(bytes);
      fields.push(...documents.slice(0, SAMPLED_ROWS).map((text) => [name, text.length] as const));
      break;
    }
  }
  return fields;
}

const SAMPLED_ROWS = 100;
