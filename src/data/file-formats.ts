/**
 * What a file of a corpus holds: by its first bytes, then by its name. Text and JSON lines are read, plain or with gzip;
 * every other format is named with a way to convert it, and never read as prose. A further one is a line of a table.
 */

import { constants, gunzipSync } from 'node:zlib';

export interface ReadableFormat {
  readonly isJsonLines: boolean;
  readonly isGzip: boolean;
}

/** Why a file is not read, to be said after its name, and what can be done. */
export interface FormatProblem {
  readonly problem: string;
  readonly advice: string;
}

/** So many bytes at the beginning of a file are enough to tell its format. */
export const HEAD_BYTES = 2 ** 12;

interface UnreadFormat {
  readonly problem: string;
  /** FILE stands for the file's name. */
  readonly advice: string;
  /** Bytes that it begins with (as Latin-1), or has at a place. */
  readonly magic?: readonly (string | { readonly at: number; readonly bytes: string })[];
  readonly endings?: readonly string[];
}

const TABLE_ADVICE =
  "Convert it to JSON lines, for example with duckdb: COPY (FROM 'FILE') TO 'corpus.jsonl' (FORMAT json)";
const PANDOC_ADVICE = "Convert it to text: pandoc 'FILE' -t plain -o document.txt";

/** Of several that fit, the first counts. */
const UNREAD: readonly UnreadFormat[] = [
  {
    problem: 'is compressed with zstd',
    advice: "Unpack it first: zstd -d 'FILE'",
    magic: ['\x28\xb5\x2f\xfd'],
    endings: ['zst', 'zstd'],
  },
  {
    problem: 'is compressed with bzip2',
    advice: "Unpack it first: bzip2 -dk 'FILE'",
    magic: [{ at: 4, bytes: '1AY&SY' }],
    endings: ['bz2'],
  },
  {
    problem: 'is compressed with xz',
    advice: "Unpack it first: xz -dk 'FILE'",
    magic: ['\xfd7zXZ\0'],
    endings: ['xz', 'lzma'],
  },
  {
    problem: 'is compressed with lz4',
    advice: "Unpack it first: lz4 -d 'FILE'",
    magic: ['\x04\x22\x4d\x18'],
    endings: ['lz4'],
  },
  {
    problem: 'is compressed with brotli',
    advice: "Unpack it first: brotli -d 'FILE'",
    endings: ['br'],
  },
  {
    problem: 'is a tar archive',
    advice: "Unpack it first: tar -xf 'FILE'",
    magic: [{ at: 257, bytes: 'ustar' }],
    endings: ['tar', 'tgz'],
  },
  {
    problem: 'is a 7-Zip archive',
    advice: "Unpack it first: 7z x 'FILE'",
    magic: ['7z\xbc\xaf\x27\x1c'],
    endings: ['7z'],
  },
  {
    problem: 'is a RAR archive',
    advice: "Unpack it first: 7z x 'FILE'",
    magic: ['Rar!\x1a\x07'],
    endings: ['rar'],
  },
  {
    problem: 'is a Parquet table',
    advice: TABLE_ADVICE,
    magic: ['PAR1'],
    endings: ['parquet'],
  },
  {
    problem: 'is an Arrow table',
    advice: 'Convert it to JSON lines, for example with datasets: Dataset.from_file(FILE).to_json(…)',
    magic: ['ARROW1', 'FEA1'],
    endings: ['arrow', 'feather'],
  },
  {
    problem: 'is an Avro or ORC table',
    advice: 'Convert it to JSON lines',
    magic: ['Obj\x01'],
    endings: ['avro', 'orc'],
  },
  {
    problem: 'is an SQLite database',
    advice: `Write its texts as JSON lines: sqlite3 'FILE' "select json_object('text', COLUMN) from TABLE" > corpus.jsonl`,
    magic: ['SQLite format 3\0'],
    endings: ['sqlite', 'sqlite3', 'db'],
  },
  {
    problem: 'is a PDF',
    advice: "Convert it to text: pdftotext 'FILE'",
    magic: ['%PDF-'],
    endings: ['pdf'],
  },
  { problem: 'is a Word document', advice: PANDOC_ADVICE, endings: ['docx', 'doc'] },
  { problem: 'is an OpenDocument text', advice: PANDOC_ADVICE, endings: ['odt'] },
  { problem: 'is an e-book', advice: PANDOC_ADVICE, endings: ['epub', 'mobi', 'azw3'] },
  { problem: 'is an RTF document', advice: PANDOC_ADVICE, magic: ['{\\rtf'], endings: ['rtf'] },
  {
    problem: 'is a spreadsheet',
    advice: 'Save its texts as JSON lines',
    endings: ['xlsx', 'xls', 'ods'],
  },
  {
    problem: 'is a presentation',
    advice: 'Save its texts as a text file',
    endings: ['pptx', 'ppt', 'odp'],
  },
  {
    problem: 'is an old Microsoft Office document',
    advice: 'Save it as a text file',
    magic: ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
  },
  {
    problem: 'is a zip archive',
    advice: "Unpack it first: unzip 'FILE'",
    magic: ['PK\x03\x04', 'PK\x05\x06'],
    endings: ['zip'],
  },
  {
    problem: 'is a table of comma-separated values',
    advice: `${TABLE_ADVICE}. To train on the table as it stands, name it .txt`,
    endings: ['csv'],
  },
  {
    problem: 'is a table of tab-separated values',
    advice: `${TABLE_ADVICE}. To train on the table as it stands, name it .txt`,
    endings: ['tsv'],
  },
];

const NOT_TEXT: FormatProblem = {
  problem: 'is not text',
  advice: 'Give text in UTF-8 or JSON lines, plain or as .gz',
};

/** Recognises a file by its first bytes and its name. @param isAll whether the bytes are the whole file */
export function recogniseFormat(
  name: string,
  head: Uint8Array,
  isAll: boolean,
): ReadableFormat | FormatProblem {
  if (!isGzip(head)) return recogniseUnpacked(name, head, isAll, false);
  const { bytes, isWhole } = beginningOf(head);
  if (isGzip(bytes))
    return {
      problem: 'is compressed with gzip twice',
      advice: `Unpack it once: gzip -dc ${quoted(name)} > corpus.gz`,
    };
  return recogniseUnpacked(name, bytes, isAll && isWhole, true);
}

function recogniseUnpacked(
  file: string,
  head: Uint8Array,
  isAll: boolean,
  isGzip: boolean,
): ReadableFormat | FormatProblem {
  const name = file.replace(/\.(gz|gzip)$/i, '');
  const latin = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  const ending = /\.([^.]+)$/.exec(name)?.[1].toLowerCase() ?? '';
  const unread = byMagic(latin, ending) ?? UNREAD.find(({ endings = [] }) => endings.includes(ending));
  if (unread) return { problem: unread.problem, advice: unread.advice.replaceAll('FILE', name) };
  const encoding = wideEncodingOf(head);
  if (encoding)
    return {
      problem: `is ${encoding} and not UTF-8`,
      advice: `Convert it: iconv -f ${encoding} -t UTF-8 ${quoted(name)} > corpus.txt`,
    };
  if (!looksLikeText(head)) return NOT_TEXT;
  if (!JSON_ENDINGS.has(ending)) return { isJsonLines: false, isGzip };
  return jsonProblem(name, head, isAll) ?? { isJsonLines: true, isGzip };
}

const JSON_ENDINGS = new Set(['jsonl', 'ndjson', 'json']);

/** A zip archive may be a document of another kind, which its name tells. */
function byMagic(head: string, ending: string): UnreadFormat | undefined {
  const found = UNREAD.find(({ magic = [] }) =>
    magic.some((mark) =>
      typeof mark === 'string' ? head.startsWith(mark) : head.startsWith(mark.bytes, mark.at),
    ),
  );
  if (!head.startsWith('PK')) return found;
  return UNREAD.find(({ magic, endings = [] }) => found && !magic && endings.includes(ending)) ?? found;
}

function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** What the beginning of a .gz unpacks to. What is damaged is told when it is read. */
function beginningOf(head: Uint8Array): { bytes: Uint8Array; isWhole: boolean } {
  try {
    const bytes = gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
    return { bytes: bytes.subarray(0, HEAD_BYTES), isWhole: bytes.length <= HEAD_BYTES };
  } catch {
    return { bytes: new Uint8Array(), isWhole: false };
  }
}

/** UTF-16 or UTF-32: by a byte-order mark, or by zeros in every second byte of ASCII text. */
function wideEncodingOf(head: Uint8Array): string | undefined {
  const mark = [...head.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (mark === 'fffe0000' || mark === '0000feff') return 'UTF-32';
  if (mark.startsWith('fffe') || mark.startsWith('feff')) return 'UTF-16';
  const zeros = [0, 0];
  for (const [i, byte] of head.entries()) if (byte === 0) zeros[i % 2]++;
  const [even, odd] = zeros;
  if (head.length < 4 || Math.max(even, odd) < 0.3 * head.length || Math.min(even, odd) > 0.02 * head.length)
    return undefined;
  return odd > even ? 'UTF-16LE' : 'UTF-16BE';
}

/** Control characters in a text: more are not text. */
const MOST_CONTROLS = 1 / 200;

/** Whether bytes are text. That they are UTF-8 is checked line by line, where they are read. */
function looksLikeText(head: Uint8Array): boolean {
  let controls = 0;
  for (const byte of head) if (byte < 0x09 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b)) controls++;
  return controls <= head.length * MOST_CONTROLS;
}

/** A file of JSON that is one value and not lines. */
function jsonProblem(name: string, head: Uint8Array, isAll: boolean): FormatProblem | undefined {
  const text = new TextDecoder().decode(head).trimStart();
  const [first, ...more] = text.split('\n');
  const isOneLine = parses(first);
  const convert = (filter: string) => `Convert it: jq -c '${filter}' ${quoted(name)} > corpus.jsonl`;
  if (text.startsWith('[') && !(isOneLine && more.some((line) => line.trim() !== '')))
    return { problem: 'is one JSON array and not JSON lines', advice: convert('.[]') };
  // Not an object followed by a comma, which is a line that is said to be wrong when it is read.
  const isOpen = /[{[,]\s*$/.test(first) && !parses(first.replace(/,\s*$/, ''));
  const isSpread =
    text.startsWith('{') && more.length > 0 && !isOneLine && (isOpen || (isAll && parses(text)));
  return isSpread
    ? { problem: 'is one JSON object over several lines and not JSON lines', advice: convert('.') }
    : undefined;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function quoted(name: string): string {
  return `'${name.replaceAll("'", "'\\''")}'`;
}
