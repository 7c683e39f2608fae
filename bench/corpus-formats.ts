/**
 * npm run bench:formats [-- --megabytes 48 --rounds 5 --folder DIR --only lines.jsonl,snappy.parquet
 * --tokenizer bytes]: the same texts in every format that corpora come in, read and tokenized, a process for
 * each format and round, alternately. Prints MB of text a second, medians, and the peak memory. Takes Linux,
 * and `bzip2` on the PATH.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGzip, createZstdCompress, zstdCompressSync } from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import { documentsOf, readChunks } from '../src/data/corpus-chunks.ts';
import {
  ByteTokenizer,
  CORPUS_START,
  CorpusWorkers,
  listCorpus,
  loadTokenizer,
  trainBpe,
  WordCounter,
} from '../src/data/index.ts';
import { elementAt } from '../src/elements.ts';
import { addressDocuments } from './texts.ts';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '48' },
    rounds: { type: 'string', default: '5' },
    folder: { type: 'string', default: 'runs/corpus-formats' },
    only: { type: 'string' },
    /** `bytes` is fast, for a look at memory with a large corpus. */
    tokenizer: { type: 'string', default: 'bpe' },
    /** Reads one file; what this script starts itself with. */
    child: { type: 'string' },
  },
});
const folder = resolve(values.folder);
const tokenizerFile = join(folder, 'tokenizer.json');

interface Measured {
  /** MB of text a second. */
  readonly reading: number;
  readonly tokenizing: number;
  readonly peakMegabytes: number;
  readonly documents: number;
  readonly ids: number;
}

/** Tokenizes a file, then reads its documents on one thread without tokenizing. */
async function measure(name: string): Promise<Measured> {
  const files = await listCorpus([{ files: [name], documents: 'file', textField: 'text' }], folder);
  const tokenizer = values.tokenizer === 'bytes' ? new ByteTokenizer() : await loadTokenizer(tokenizerFile);
  let [documents, ids, bytes] = [0, 0, 0];
  let began = performance.now();
  const workers = new CorpusWorkers(files, new AbortController().signal);
  for await (const { result } of workers.encode(tokenizer, CORPUS_START)) {
    documents += result.numTokens.length;
    ids += result.ids.length;
    bytes += result.numBytes.reduce((sum, one) => sum + one, 0);
  }
  const tokenizing = bytes / 1e3 / (performance.now() - began);
  const peakMegabytes = peakOfThis();
  began = performance.now();
  for await (const chunk of readChunks(files)) await documentsOf(chunk, elementAt(files, chunk.begin.file));
  const reading = bytes / 1e3 / (performance.now() - began);
  return { reading, tokenizing, peakMegabytes, documents, ids };
}

/** In MB. What resourceUsage says is at least what the process had that started this one. */
function peakOfThis(): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}

const QUOTED = /"/g;
const row = (delimiter: string) => (text: string, id: number) =>
  `${id}${delimiter}"${text.replace(QUOTED, '""')}"\n`;

const line = (text: string, id: number) => `${JSON.stringify({ id, text })}\n`;

/** Name → how it is written. Packed ones are made of those without. */
const WRITERS: Readonly<Record<string, (file: string, texts: readonly string[]) => unknown>> = {
  'lines.jsonl': (file, texts) => writePieces(file, texts, line),
  'array.json': (file, texts) =>
    writePieces(file, texts, (text, id) => (id > 0 ? ',' : '[') + line(text, id), ']'),
  'commas.csv': (file, texts) => writePieces(file, ['', ...texts], headed(row(','), 'id,text\n')),
  'tabs.tsv': (file, texts) => writePieces(file, ['', ...texts], headed(row('\t'), 'id\ttext\n')),
  'snappy.parquet': (file, texts) => writeParquet(file, texts, 'SNAPPY'),
  'zstd.parquet': (file, texts) => writeParquet(file, texts, 'ZSTD'),
  'paragraphs.md': (file, texts) => writePieces(file, texts, (text) => `${text}\n\n`),
  'lines.jsonl.gz': (file) => pack(file, createGzip()),
  'lines.jsonl.zst': (file) => pack(file, createZstdCompress()),
  'lines.jsonl.bz2': (file) => execFileSync('bzip2', ['-kf', file.replace('.bz2', '')]),
  'commas.csv.zst': (file) => pack(file, createZstdCompress()),
};

const headed = (write: typeof line, header: string) => (text: string, i: number) =>
  i === 0 ? header : write(text, i - 1);

async function writePieces(
  file: string,
  texts: readonly string[],
  write: typeof line,
  end = '',
): Promise<void> {
  await pipeline(function* () {
    for (const [i, text] of texts.entries()) yield write(text, i);
    yield end;
  }, createWriteStream(file));
}

function writeParquet(filename: string, texts: readonly string[], codec: 'SNAPPY' | 'ZSTD'): void {
  const columnData = [
    { name: 'id', data: texts.map((_, i) => i), type: 'INT32' as const },
    { name: 'text', data: [...texts], type: 'STRING' as const },
  ];
  const compressors = { ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes)) };
  parquetWriteFile({ filename, columnData, codec, compressors });
}

async function pack(file: string, packing: Duplex): Promise<void> {
  await pipeline(createReadStream(file.replace(/\.[^.]+$/, '')), packing, createWriteStream(file));
}

async function writeAll(): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const documents = addressDocuments();
  const texts: string[] = [];
  let bytes = 0;
  while (bytes < Number(values.megabytes) * 1e6) {
    const text = documents.next().value;
    bytes += Buffer.byteLength(text);
    texts.push(text);
  }
  const words = new WordCounter();
  for (const text of texts.slice(0, 5000)) words.add(text);
  if (values.tokenizer !== 'bytes')
    writeFileSync(tokenizerFile, JSON.stringify(trainBpe(words.counts, 8192)));
  for (const [name, write] of Object.entries(WRITERS)) await write(join(folder, name), texts);
  return bytes;
}

function runChild(name: string): Measured {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...process.execArgv,
      import.meta.filename,
      '--child',
      name,
      '--folder',
      folder,
      '--tokenizer',
      values.tokenizer,
    ],
    { encoding: 'utf8', env },
  );
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  return JSON.parse(stdout) as Measured;
}

const median = (numbers: readonly number[]) =>
  elementAt(
    [...numbers].sort((a, b) => a - b),
    Math.floor(numbers.length / 2),
  );

async function compare(): Promise<void> {
  const bytes = await writeAll();
  const names = Object.keys(WRITERS).filter((name) => !values.only || values.only.split(',').includes(name));
  const found = new Map<string, Measured[]>(names.map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++)
    for (const name of names) found.get(name)?.push(runChild(name));
  const of = (name: string, key: keyof Measured) => median((found.get(name) ?? []).map((one) => one[key]));
  const first = elementAt(names, 0);
  console.log(
    `${(bytes / 1e6).toFixed(0)} MB of text, medians of ${values.rounds}, ${availableParallelism()} cores\n\n` +
      `| file | MB | reading, MB of text/s | tokenizing | × ${first} | peak MB |\n|---|---|---|---|---|---|`,
  );
  for (const name of names) {
    if (name !== 'paragraphs.md' && of(name, 'ids') !== of(first, 'ids'))
      throw new Error(`${name}: other ids`);
    const size = statSync(join(folder, name)).size / 1e6;
    console.log(
      `| ${name} | ${size.toFixed(0)} | ${of(name, 'reading').toFixed(0)} | ` +
        `${of(name, 'tokenizing').toFixed(1)} | ` +
        `${(of(name, 'tokenizing') / of(first, 'tokenizing')).toFixed(2)} | ` +
        `${of(name, 'peakMegabytes').toFixed(0)} |`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
}

if (values.child) console.log(JSON.stringify(await measure(values.child)));
else await compare();
