/**
 * Tables of separated values: a header that names the columns, then rows. A field in quotes may hold
 * separators and line ends. Chunks are cut between rows; every chunk is parsed with the header before it.
 */

import { isUtf8 } from 'node:buffer';
import type { Options as ParseOptions } from 'csv-parse/sync';
import { z } from 'zod';
import { elementAt, type NonEmpty } from '../../elements.ts';
import { corpusColumnMissing } from '../../errors.ts';
import { unpackedName } from './compressions.ts';
import { type Cut, cutChunks } from './cut-chunks.ts';
import { documentOf, Gathered, Lack, neededFields } from './fields.ts';
import { FileBytes } from './file-bytes.ts';
import type { CorpusFile, CorpusFormat, FieldLength, FileChunk, FilePlace } from './format.ts';
import { CHUNK_BYTES, decoder, LONGEST_RECORD, NEWLINE } from './text-policy.ts';

const character = z.string().refine(isAscii, 'it must be one character of ASCII');

const options = z
  .strictObject({
    delimiter: character.optional(),
    quote: z.union([character, z.literal(false)]).optional(),
    columns: z.array(z.string()).nonempty().optional(),
  })
  // Where nothing is said, nothing is part of a fingerprint.
  .transform((given) => (Object.keys(given).length > 0 ? given : undefined));

function isAscii(text: string): boolean {
  return text.length === 1 && text.charCodeAt(0) < 0x80 && text !== '\n' && text !== '\0';
}

type Options = NonNullable<z.infer<typeof options>>;
type TableFile = Pick<CorpusFile, 'path' | 'compression' | 'options'>;

export const csv: CorpusFormat = {
  name: 'csv',
  summary: 'Rows of separated values (.csv, .tsv); `textField` says which column holds the text.',
  unit: 'row',
  isText: true,
  options,
  recognises: ({ ending }) => ENDINGS.has(ending),
  read,
  parse: async (bytes, { file }) => {
    const { names, rows } = await tableIn(bytes, file);
    const gathered = new Gathered();
    for (const [i, row] of rows.entries())
      gathered.add(
        i + 1,
        documentOf(file, (field) => textIn(row, names, field)),
      );
    return gathered.chunk(rows.length);
  },
  hasFields: true,
  role: ({ textField }) => `csv ${textField}`,
  lacks: async (file) => {
    const { names } = await tableIn(await headerOf(file), file);
    const lack = missingColumn(file, names);
    return names.length === 0 || lack === undefined ? undefined : `has no column "${lack}"`;
  },
  textFields,
};

const ENDINGS: ReadonlySet<string> = new Set(['csv', 'tsv', 'tab']);

async function* read(file: CorpusFile, from: FilePlace): AsyncGenerator<FileChunk> {
  const header = await headerOf(file);
  const dialect = dialectOf(file, header);
  const { names } = await tableIn(header, file);
  if (names.length === 0) return;
  const lack = missingColumn(file, names);
  if (lack !== undefined) throw corpusColumnMissing(file.path, lack, names, true);
  const begin = { ...from, offset: Math.max(from.offset, header.length) };
  for await (const chunk of cutChunks(file, begin, (held) => cut(held, dialect), NEWLINE))
    yield 'bytes' in chunk ? { ...chunk, bytes: joined(header, chunk.bytes) } : chunk;
}

/** The first column that is needed and not there. */
function missingColumn(file: CorpusFile, names: readonly string[]): string | undefined {
  return neededFields(file).find((field) => !names.includes(field));
}

const SAMPLED_ROWS = 100;

async function textFields(file: TableFile): Promise<FieldLength[]> {
  const bytes = new FileBytes(file);
  try {
    await bytes.fill(CHUNK_BYTES);
    const { names, rows } = await tableIn(new Uint8Array(bytes.view(CHUNK_BYTES)), file);
    // The last one may be cut.
    const whole = bytes.isAll(CHUNK_BYTES) ? rows : rows.slice(0, -1);
    return whole
      .slice(0, SAMPLED_ROWS)
      .flatMap((row) => (isParsed(row) ? names.map((name, i) => [name, row[i]?.length ?? 0] as const) : []));
  } finally {
    bytes.close();
  }
}

/** A table's first row, with its line end; empty where the configuration names the columns. */
async function headerOf(file: TableFile): Promise<Uint8Array<ArrayBuffer>> {
  if (optionsOf(file).columns) return new Uint8Array();
  const bytes = new FileBytes(file);
  try {
    await bytes.fill(CHUNK_BYTES);
    const end = firstRowEnd(bytes.view(CHUNK_BYTES), dialectOf(file, new Uint8Array()));
    if (end === 0 && !bytes.isAll(CHUNK_BYTES))
      throw new Error(`its first row, which names the columns, is longer than ${CHUNK_BYTES / 2 ** 20} MiB`);
    return bytes.take(end || bytes.length);
  } finally {
    bytes.close();
  }
}

function joined(header: Uint8Array, rows: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(header.length + rows.length);
  all.set(header);
  all.set(rows, header.length);
  return all;
}

/** How a table is written; bytes. */
interface Dialect {
  /** Before a header was seen, all that usually part fields. */
  readonly delimiters: NonEmpty<number>;
  /** NaN where quotes have no meaning. */
  readonly quote: number;
}

const [COMMA, SEMICOLON, TAB, BAR] = [0x2c, 0x3b, 0x09, 0x7c] as const;
/** Of those that a header has equally often, the first counts. */
const USUAL_DELIMITERS: NonEmpty<number> = [COMMA, SEMICOLON, TAB, BAR];

const optionsOf = ({ options: given }: TableFile) => (given ?? {}) as Options;

/** By the options, the ending, and what a header has most of. */
function dialectOf(file: TableFile, header: Uint8Array): Dialect {
  const { delimiter, quote = '"' } = optionsOf(file);
  const mark = quote === false ? Number.NaN : quote.charCodeAt(0);
  if (delimiter !== undefined) return { delimiters: [delimiter.charCodeAt(0)], quote: mark };
  if (/\.(tsv|tab)$/i.test(unpackedName(file.path))) return { delimiters: [TAB], quote: mark };
  const loose = { delimiters: USUAL_DELIMITERS, quote: mark };
  if (header.length === 0) return optionsOf(file).columns ? { ...loose, delimiters: [COMMA] } : loose;
  const counts = USUAL_DELIMITERS.map((byte) => countOf(byte, header, loose));
  return { ...loose, delimiters: [elementAt(USUAL_DELIMITERS, counts.indexOf(Math.max(...counts)))] };
}

function countOf(byte: number, bytes: Uint8Array, dialect: Dialect): number {
  let count = 0;
  for (const [begin, end] of unquoted(bytes, dialect))
    for (let at = begin; at < end; at++) if (bytes[at] === byte) count++;
  return count;
}

/** After the last row that ends in a chunk; of a longer row, after its end. */
async function cut(held: FileBytes, dialect: Dialect): Promise<Cut> {
  for (let size = CHUNK_BYTES; size <= LONGEST_RECORD; size *= 2) {
    await held.fill(size);
    if (held.isAll(size)) return { length: held.length, isInside: false };
    const length =
      size === CHUNK_BYTES ? lastRowEnd(held.view(size), dialect) : firstRowEnd(held.view(size), dialect);
    if (length > 0) return { length, isInside: false };
  }
  return { length: 0, isInside: false, problem: TOO_LONG };
}

const TOO_LONG =
  `is longer than ${LONGEST_RECORD / 2 ** 20} MiB, the most that is read of a row; a quote that nothing ` +
  'closes makes it so, unless its source has `options: { quote: false }`';

function firstRowEnd(bytes: Uint8Array, dialect: Dialect): number {
  for (const [begin, end] of unquoted(bytes, dialect)) {
    const newline = bytes.subarray(begin, end).indexOf(NEWLINE);
    if (newline >= 0) return begin + newline + 1;
  }
  return 0;
}

function lastRowEnd(bytes: Uint8Array, dialect: Dialect): number {
  let last = 0;
  for (const [begin, end] of unquoted(bytes, dialect)) {
    const newline = bytes.subarray(begin, end).lastIndexOf(NEWLINE);
    if (newline >= 0) last = begin + newline + 1;
  }
  return last;
}

/** The stretches outside of fields in quotes. Inside a field that began without one, a quote is a letter. */
function* unquoted(bytes: Uint8Array, dialect: Dialect): Generator<readonly [begin: number, end: number]> {
  const next = (from: number) => (Number.isNaN(dialect.quote) ? -1 : bytes.indexOf(dialect.quote, from));
  let begin = 0;
  for (let at = next(0); at >= 0; at = next(at + 1)) {
    if (!isFieldBegin(bytes, at, dialect)) continue;
    yield [begin, at];
    at = closingQuote(bytes, at, dialect.quote);
    if (at < 0) return;
    begin = at + 1;
  }
  yield [begin, bytes.length];
}

function isFieldBegin(bytes: Uint8Array, at: number, { delimiters }: Dialect): boolean {
  const before = bytes[at - 1];
  const isFirst = at === 0 || (at === 3 && bytes[0] === 0xef && bytes[1] === 0xbb && before === 0xbf);
  return isFirst || before === NEWLINE || (before !== undefined && delimiters.includes(before));
}

/** The quote that ends a field: one that none follows. -1 where it isn't here. */
function closingQuote(bytes: Uint8Array, begin: number, quote: number): number {
  for (let at = bytes.indexOf(quote, begin + 1); at >= 0; at = bytes.indexOf(quote, at + 2)) {
    if (bytes[at + 1] !== quote) return at;
  }
  return -1;
}

/** A row's fields; of a row that can't be parsed, why. */
type Row = readonly (string | undefined)[] | { readonly problem: string };

const isParsed = (row: Row | undefined): row is readonly (string | undefined)[] => Array.isArray(row);

interface Table {
  readonly names: readonly string[];
  readonly rows: readonly Row[];
}

/** The rows of a chunk, which begins with the header. */
async function tableIn(bytes: Uint8Array, file: TableFile): Promise<Table> {
  const { parse } = await import('csv-parse/sync');
  const { columns } = optionsOf(file);
  const headerEnd = columns ? 0 : firstRowEnd(bytes, dialectOf(file, new Uint8Array())) || bytes.length;
  const { delimiters, quote } = dialectOf(file, bytes.subarray(0, headerEnd));
  const rows: Row[] = [];
  const parsing: ParseOptions = {
    bom: true,
    delimiter: String.fromCharCode(delimiters[0]),
    quote: Number.isNaN(quote) ? null : String.fromCharCode(quote),
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      rows.push({ problem: `can't be parsed: ${error?.message ?? 'no reason is known'}` });
      return undefined;
    },
    on_record: (row) => {
      rows.push(row.map(decodedField));
      return null;
    },
  };
  // What is not UTF-8 comes in bytes, so that only its rows are bad.
  parse(bytes, isUtf8(bytes) ? parsing : { ...parsing, encoding: null });
  const first = columns ? undefined : rows.shift();
  return { names: columns ?? (isParsed(first) ? first.map((name) => name ?? '') : []), rows };
}

function decodedField(field: string | Uint8Array): string | undefined {
  try {
    return typeof field === 'string' ? field : decoder.decode(field);
  } catch {
    return undefined;
  }
}

/** The text of a row, or why there is none. What a row has beyond the header would be lost. */
function textIn(row: Row, names: readonly string[], name: string): string | Lack {
  if (!isParsed(row)) return new Lack(row.problem);
  const column = names.indexOf(name);
  const isTooLong = row.slice(names.length).some((field) => field !== '');
  if (isTooLong || column >= row.length)
    return new Lack(`has ${row.length} fields, and the header has ${names.length}`);
  return row[column] ?? new Lack('is not UTF-8');
}
