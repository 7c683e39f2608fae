/**
 * Formats that no one reads here: each is named, by its first bytes or its ending, with a way to convert it.
 */

import type { FileHead, FormatProblem } from './format.ts';

interface UnreadFormat {
  readonly problem: string;
  /** FILE stands for the file's name. */
  readonly advice: string;
  /** Bytes that it begins with (as Latin-1), or has at a place. */
  readonly magic?: readonly (string | { readonly at: number; readonly bytes: string })[];
  readonly endings?: readonly string[];
}

const PANDOC_ADVICE = "Convert it to text: pandoc 'FILE' -t plain -o document.txt";

/** Of several that fit, the first counts. */
const UNREAD: readonly UnreadFormat[] = [
  {
    problem: 'is the pointer of Git LFS to a file that is not there',
    advice: "Fetch the file: git lfs pull --include 'FILE'",
    magic: ['version https://git-lfs.github.com/spec/'],
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
    problem: 'is an Arrow table',
    advice: "Convert it to Parquet, for example with datasets: Dataset.from_file('FILE').to_parquet(…)",
    magic: ['ARROW1', 'FEA1'],
    endings: ['arrow', 'feather'],
  },
  {
    problem: 'is an Avro or ORC table',
    advice: 'Convert it to Parquet or JSON lines',
    magic: ['Obj\x01'],
    endings: ['avro', 'orc'],
  },
  {
    problem: 'is an SQLite database',
    advice:
      `Write its texts as JSON lines: sqlite3 'FILE' "select json_object('text', COLUMN) from ` +
      `TABLE" > corpus.jsonl`,
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
    advice: 'Save it as CSV',
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
];

/** What a file is that can't be read; undefined where nothing is known against it. */
export function unreadFormat(head: FileHead): FormatProblem | undefined {
  return (
    unreadByContent(head) ??
    problemOf(
      head,
      UNREAD.find(({ endings = [] }) => endings.includes(head.ending)),
    )
  );
}

/** Likewise, by its first bytes alone. */
export function unreadByContent(head: FileHead): FormatProblem | undefined {
  const { bytes, ending } = head;
  const latin = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return problemOf(head, byMagic(latin, ending));
}

function problemOf({ name }: FileHead, unread: UnreadFormat | undefined): FormatProblem | undefined {
  return unread && { problem: unread.problem, advice: unread.advice.replaceAll('FILE', name) };
}

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
