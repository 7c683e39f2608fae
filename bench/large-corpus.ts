/**
 * npm run bench:corpus [-- --gigabytes 2 --folder DIR --only write,tokenizing,stages]: a synthetic corpus
 * larger than memory should be, through every stage. Prints
 * the peak memory of each, how fast its first and last tenth went, and tokenizing against the native library
 * on one core.
 */

import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { addressDocuments } from './texts.ts';

const { values } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '2' },
    folder: { type: 'string', default: 'runs/large-corpus' },
    only: { type: 'string', default: 'write,tokenizing,stages' },
    rounds: { type: 'string', default: '5' },
    engine: { type: 'string', default: 'onnx' },
  },
});
const folder = resolve(values.folder);
const corpus = join(folder, 'corpus.jsonl');
const sample = join(folder, 'sample.jsonl');
const config = join(folder, 'calm.yaml');
const executable = resolve(import.meta.dirname, '../bin/run.js');
const SAMPLE_BYTES = 48e6;

/** JSON lines of about 2 kB each. */
function writeCorpus(): void {
  const documents = addressDocuments();
  const [whole, beginning] = [openSync(corpus, 'w'), openSync(sample, 'w')];
  let lines: string[] = [];
  for (let [bytes, held] = [0, 0]; bytes < Number(values.gigabytes) * 1e9; ) {
    const line = `${JSON.stringify({ text: documents.next().value })}\n`;
    lines.push(line);
    held += line.length;
    if (held < 2 ** 22) continue;
    const piece = Buffer.from(lines.join(''));
    writeSync(whole, piece);
    if (bytes < SAMPLE_BYTES) writeSync(beginning, piece);
    bytes += piece.length;
    [lines, held] = [[], 0];
  }
  for (const handle of [whole, beginning]) closeSync(handle);
}

const stages = {
  tokenize: { corpus: 'corpus.jsonl', tokenizer: 'bpe', vocabSize: 8192, validationFraction: 0.01 },
  'train-autoencoder': {
    patchSize: 4,
    latentSize: 16,
    hiddenSize: 64,
    intermediateSize: 160,
    steps: 2000,
    warmupSteps: 40,
    learningRate: 0.003,
    patchesPerStep: 256,
    logEvery: 20,
    checkpointEvery: 500,
    evaluateEvery: 2000,
  },
  'encode-corpus': { precision: 'f16' },
  'train-lm': {
    hiddenSize: 64,
    intermediateSize: 160,
    numHiddenLayers: 2,
    numAttentionHeads: 4,
    head: { name: 'energy', numMlpLayers: 1, noiseSize: 16, numSamples: 4, numTargetSamples: 16 },
    patchesPerSequence: 64,
    sequencesPerStep: 4,
    steps: 2000,
    warmupSteps: 40,
    learningRate: 0.003,
    logEvery: 20,
    checkpointEvery: 500,
    evaluateEvery: 2000,
  },
  evaluate: { numSequences: 64, patchesPerSequence: 64, numPatches: 4096 },
};

interface Watched {
  readonly seconds: number;
  readonly peakMegabytes: number;
  /** Output per second in the first and last tenth of it. */
  readonly first: number;
  readonly last: number;
}

/** Runs a stage, watching its memory and how its output grows. */
async function watch(stage: string, outputNow: () => number): Promise<Watched> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const began = performance.now();
  const child = spawn(process.execPath, [executable, 'run', config, '--only', stage], {
    cwd: folder,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let isOver = false;
  const ended = new Promise<number | null>((done) => child.on('close', done));
  void ended.then(() => {
    isOver = true;
  });
  const points: { seconds: number; output: number }[] = [];
  let peakMegabytes = 0;
  while (!isOver) {
    await Promise.race([sleep(250), ended]);
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peakMegabytes = Math.max(peakMegabytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
      points.push({ seconds: (performance.now() - began) / 1000, output: outputNow() });
    } catch {
      // It is over, or its folder moves into place.
    }
  }
  if ((await ended) !== 0) throw new Error(`${stage} failed`);
  const grown = points.filter(({ output }, i) => output > (points[i - 1]?.output ?? 0));
  const total = grown.at(-1)?.output ?? 0;
  const rate = (from: number, to: number) => {
    const [a, b] = [
      grown.find(({ output }) => output >= from * total),
      grown.find(({ output }) => output >= to * total),
    ];
    return a && b && b.seconds > a.seconds ? (b.output - a.output) / (b.seconds - a.seconds) : Number.NaN;
  };
  return {
    seconds: (performance.now() - began) / 1000,
    peakMegabytes,
    first: rate(0, 0.1),
    last: rate(0.9, 1),
  };
}

function bytesOf(directory: string, name: RegExp): number {
  if (!existsSync(directory)) return 0;
  return readdirSync(directory)
    .filter((file) => name.test(file))
    .reduce((sum, file) => sum + statSync(join(directory, file)).size, 0);
}

function lastStep(file: string): number {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return (JSON.parse(lines.at(-1) ?? '{}') as { step?: number }).step ?? 0;
}

async function runStages(): Promise<void> {
  const work = (stage: string) => join(folder, 'runs/large/.work', stage);
  const outputs: Readonly<Record<keyof typeof stages, () => number>> = {
    tokenize: () => bytesOf(join(work('tokenize'), 'tokens'), /-\d+\.bin$/) / 2,
    'train-autoencoder': () => lastStep(join(work('train-autoencoder'), 'metrics.jsonl')) * 256 * 4,
    'encode-corpus': () => (bytesOf(join(work('encode-corpus'), 'latents'), /-\d+\.bin$/) / (2 * 16 * 2)) * 4,
    'train-lm': () => lastStep(join(work('train-lm'), 'metrics.jsonl')) * 4 * 64 * 4,
    evaluate: () => 0,
  };
  rmSync(join(folder, 'runs'), { recursive: true, force: true });
  const rows: string[] = [];
  for (const [stage, outputNow] of Object.entries(outputs)) {
    const { seconds, peakMegabytes, first, last } = await watch(stage, outputNow);
    const speed = (rate: number) => (Number.isNaN(rate) ? '' : Math.round(rate).toLocaleString('en'));
    rows.push(
      `| ${stage} | ${seconds.toFixed(0)} s | ${peakMegabytes.toFixed(0)} MB | ${speed(first)} | ` +
        `${speed(last)} | ${Number.isNaN(last) ? '' : (last / first).toFixed(2)} |`,
    );
    console.log(rows.at(-1));
  }
  console.log(
    [
      '',
      '| stage | time | peak memory | tokens/s, first tenth | last tenth | last / first |',
      '|---|---|---|---|---|---|',
      ...rows,
    ].join('\n'),
  );
}

/** The native library by itself, one document after the other on one core; prints MB of text a second. */
const NATIVE = `
import { readFileSync } from 'node:fs';
const [tokenizerFile, corpus, from] = process.argv.slice(1);
const { Tokenizer } = createRequire(from)('tokenizers');
const tokenizer = Tokenizer.fromFile(tokenizerFile);
const texts = readFileSync(corpus, 'utf8').trimEnd().split('\\n').map((line) => JSON.parse(line).text);
const began = performance.now();
let bytes = 0;
for (const text of texts) {
  const ids = (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
  bytes += Buffer.byteLength(text);
}
console.log(bytes / 1e3 / (performance.now() - began));
`;

/** Tokenizing by calm, the whole command, against the native library on one core, alternately. */
function compareTokenizing(): void {
  const sampleConfig = join(folder, 'sample.yaml');
  const text = (tokenizer: string, name: string) =>
    stringify({ name, stages: { tokenize: { corpus: 'sample.jsonl', tokenizer, vocabSize: 8192 } } });
  writeFileSync(sampleConfig, text('bpe', 'tokenizer'));
  const calm = (from: string) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [executable, 'run', from, '--force', '--json'],
      { cwd: folder, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(stderr);
    return (JSON.parse(stdout) as { stages: [{ seconds: number }] }).stages[0].seconds;
  };
  calm(sampleConfig);
  const tokenizer = join(folder, 'runs/tokenizer/tokenize/tokens/tokenizer.json');
  writeFileSync(sampleConfig, text(tokenizer, 'sample'));
  const [ours, native]: [number[], number[]] = [[], []];
  for (let round = 0; round < Number(values.rounds); round++) {
    const env = { ...process.env, RAYON_NUM_THREADS: '1', NODE_OPTIONS: '' };
    const answer = spawnSync(
      'taskset',
      ['-c', '0', process.execPath, '--input-type=module', '-e', NATIVE, tokenizer, sample, import.meta.url],
      {
        encoding: 'utf8',
        env,
      },
    );
    native.push(Number(answer.stdout));
    const seconds = calm(sampleConfig);
    const index = JSON.parse(
      readFileSync(join(folder, 'runs/sample/tokenize/tokens/index.json'), 'utf8'),
    ) as { splits: Record<string, { textBytes: number }> };
    ours.push(Object.values(index.splits).reduce((sum, { textBytes }) => sum + textBytes, 0) / 1e6 / seconds);
  }
  const median = (numbers: number[]) =>
    [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
  const cores = availableParallelism();
  const [own, one] = [median(ours), median(native)];
  console.log(
    `tokenizing, MB of text a second, medians of ${values.rounds}: calm ${own.toFixed(2)} on ${cores} ` +
      `cores, tokenizers ${one.toFixed(2)} on one: ${(own / one / cores).toFixed(2)} × cores × one core`,
  );
}

mkdirSync(folder, { recursive: true });
writeFileSync(config, stringify({ name: 'large', seed: 1, engine: values.engine, stages }));
const parts = values.only.split(',');
if (parts.includes('write')) writeCorpus();
if (parts.includes('tokenizing')) compareTokenizing();
if (parts.includes('stages')) await runStages();
