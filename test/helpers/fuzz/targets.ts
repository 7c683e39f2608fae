/** What is fuzzed: each target writes a good input, and reads a mutated one as calm does. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { parse, stringify } from 'yaml';
import builtin from '#plugins';
import { readPrompts } from '../../../plugins/sample/prompts.ts';
import { ResultsFile } from '../../../plugins/sample/results.ts';
import {
  CheckpointStore,
  latentShards,
  ModelFolder,
  openWeights,
  readSafetensors,
  snakeCaseKeys,
  tokenShards,
  writeSafetensors,
} from '../../../src/artifacts/index.ts';
import { documentsOf, readChunks } from '../../../src/data/corpus-chunks.ts';
import {
  ByteTokenizer,
  DocumentPatches,
  listCorpus,
  loadTokenizer,
  PatchSequences,
  trainBpe,
  WordCounter,
} from '../../../src/data/index.ts';
import { textsOf } from '../../../src/evaluation/endpoint/answer.ts';
import { KeptWindows } from '../../../src/evaluation/kept-windows.ts';
import { PassingFailure } from '../../../src/http/retries.ts';
import { autoencoderTable } from '../../../src/models/autoencoder/autoencoder.ts';
import { calmTable } from '../../../src/models/calm/calm.ts';
import {
  AUTOENCODER_DEFAULTS,
  autoencoderSchema,
  CALM_DEFAULTS,
  checkedConfig,
  loadHead,
  readCalmConfig,
  savedConfig,
} from '../../../src/models/config.ts';
import { checkAutoencoderFolder, countParameters } from '../../../src/models/index.ts';
import { checkConfig, makePlan, parseConfig, Registry } from '../../../src/pipeline/index.ts';
import { RandomStream } from '../../../src/random.ts';
import { problemsOf, readManifest } from '../../../src/runs/index.ts';
import { ROOT } from '../cli.ts';
import { TINY_STAGES, tinyText } from '../tiny.ts';
import { mutateBytes, mutateData } from './mutate.ts';

export interface Target {
  readonly name: string;
  /** Writes the good input; returns its bytes. */
  prepare(folder: string): Promise<Uint8Array>;
  /** Whether the input is JSON or YAML, which is mutated by structure too. */
  readonly format?: 'json' | 'yaml';
  /** Writes a mutated input over the good one and reads it as far as calm would. */
  read(folder: string, bytes: Uint8Array): Promise<void>;
}

/** A case's input: mutated bytes, or mutated data written out again. */
export function mutated(target: Target, good: Uint8Array, stream: RandomStream): Uint8Array {
  if (!target.format || stream.nextInteger(2) === 0) return mutateBytes(good, stream);
  const text = Buffer.from(good).toString('utf8');
  const data = mutateData(target.format === 'json' ? JSON.parse(text) : parse(text), stream);
  try {
    return Buffer.from(target.format === 'json' ? (JSON.stringify(data) ?? '') : stringify(data));
  } catch {
    // What can't be written down is no input.
    return mutateBytes(good, stream);
  }
}

function registry(): Registry {
  const all = new Registry();
  all.addPlugin(builtin);
  return all;
}

const file = (
  name: string,
  contents: (folder: string) => string | Uint8Array | Promise<string | Uint8Array>,
) => ({
  prepare: async (folder: string) => {
    mkdirSync(folder, { recursive: true });
    const bytes = Buffer.from((await contents(folder)) as string);
    writeFileSync(join(folder, name), bytes);
    return bytes;
  },
  write: (folder: string, bytes: Uint8Array) => writeFileSync(join(folder, name), bytes),
});

const config = file('calm.yaml', (folder) => {
  writeFileSync(join(folder, 'a.txt'), tinyText(1));
  return stringify({
    name: 'fuzz',
    seed: 3,
    matrix: { size: { 'train-lm.hiddenSize': [16, 32] } },
    stages: { ...TINY_STAGES, tokenize: { ...TINY_STAGES.tokenize, corpus: 'a.txt' } },
  });
});

const tensors = () =>
  [
    ['a.weight', { shape: [3, 4], data: new RandomStream(1, 'fuzz').normals(12) }],
    ['b', { shape: [], data: Float32Array.of(1) }],
    ['ids', { shape: [2], data: Int32Array.of(1, 2) }],
  ] as const;

async function writeTokens(folder: string, pairs?: { alignedTo: number }): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const writer = await tokenShards.create(folder);
  await writer.begin(new ByteTokenizer(), new ByteTokenizer().toFiles(), undefined, pairs);
  for (let i = 0; i < 12; i++) {
    const ids = Buffer.from(tinyText(i, 3));
    writer.append(i % 4 === 3 ? 'validation' : 'train', ids, ids.length);
    writer.endDocument(i % 4 === 3 ? 'validation' : 'train', true, pairs && 4 * i);
  }
  await writer.finish();
}

async function readTokens(folder: string): Promise<void> {
  const shards = await tokenShards.open(folder);
  for (const name of ['train', 'validation'] as const) {
    const stream = shards.split(name);
    try {
      const patches = new DocumentPatches(stream, 4, shards.index.padId);
      for (let patch = 0; patch < patches.numPatches; patch += 7) patches.read(patch);
      const sequences = new PatchSequences(stream, 4, 8);
      for (let sequence = 0; sequence < sequences.numSequences; sequence++) {
        sequences.read(sequence);
        sequences.learnt(sequence);
      }
      sequences.documentsOf(Array.from({ length: sequences.numSequences }, (_, i) => i));
    } finally {
      stream.close();
    }
  }
}

async function writeLatents(folder: string, dtype: 'f16' | 'int8' = 'f16'): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const writer = await latentShards.create(folder);
  writer.begin({ patchSize: 4, latentSize: 6, dtype });
  const numbers = new RandomStream(1, 'latents').normals(6 * 40);
  for (const split of ['train', 'validation'] as const)
    writer.append(split, { mean: numbers, logStd: numbers });
  await writer.finish();
}

async function readLatents(folder: string): Promise<void> {
  const shards = await latentShards.open(folder);
  try {
    for (const split of ['train', 'validation'] as const) shards.read(split, 0, shards.numPatches(split));
  } finally {
    shards.close();
  }
}

async function readWeights(folder: string): Promise<void> {
  const weights = await openWeights(folder);
  try {
    for (const name of weights.keys()) weights.get(name);
  } finally {
    weights.close();
  }
}

/** An artifact of several files, of which one is mutated. */
function within(
  name: string,
  fileName: string,
  write: (folder: string) => Promise<unknown>,
  read: (folder: string) => Promise<void>,
  format?: 'json',
): Target {
  return {
    name,
    ...(format ? { format } : {}),
    prepare: async (folder) => {
      await write(folder);
      return readFileSync(join(folder, fileName));
    },
    read: async (folder, bytes) => {
      writeFileSync(join(folder, fileName), bytes);
      await read(folder);
    },
  };
}

const bpe = () => {
  const words = new WordCounter();
  words.add(tinyText(1, 200));
  return JSON.stringify(trainBpe(words.counts, 300));
};
const tokenizer = file('tokenizer.json', bpe);
const tiktoken = file('tokenizer.model', () =>
  Array.from({ length: 256 }, (_, byte) => `${Buffer.of(byte).toString('base64')} ${byte}\n`).join(''),
);

async function useTokenizer(path: string): Promise<void> {
  const opened = await loadTokenizer(path);
  for (const text of ['the people of this nation', '日本 🙂 \u0000', ''])
    await opened.decode(Array.from(await opened.encode(text)));
  await opened.encodeBatch(['a b', 'c']);
}

const manifest = file('manifest.json', () =>
  JSON.stringify({
    formatVersion: 1,
    stage: 'x',
    uses: 'x',
    stageVersion: 1,
    fingerprint: 'abc',
    seed: 1,
    config: { a: 1 },
    inputs: { p: { from: 'y', fingerprint: 'd' } },
    outputs: { o: { kind: 'k', formatVersion: 1 } },
    versions: { calm: '1' },
    seconds: 1,
    finishedAt: 'now',
    metrics: { loss: 1 },
    files: { 'o/x.bin': { bytes: 3, sha256: 'e' } },
  }),
);

const modelConfig = file('config.json', () =>
  JSON.stringify(
    snakeCaseKeys({
      ...savedConfig(CALM_DEFAULTS),
      hiddenSize: 16,
      numHiddenLayers: 2,
      numAttentionHeads: 2,
      numKeyValueHeads: 1,
    }),
  ),
);
const autoencoderConfig = file('config.json', async (folder) => {
  await writeSafetensors(join(folder, 'model.safetensors'), tensors());
  return JSON.stringify(snakeCaseKeys({ ...AUTOENCODER_DEFAULTS, hiddenSize: 16 }));
});
const jsonLines = file('x.jsonl', () =>
  Array.from({ length: 20 }, (_, i) => JSON.stringify({ text: tinyText(i, 3) })).join('\n'),
);
const promptLines = file('p.jsonl', () =>
  Array.from({ length: 20 }, (_, id) => JSON.stringify({ id, prompt: tinyText(id, 3) })).join('\n'),
);
const SAMPLE_SETTINGS = { model: 'abc', seed: 1, temperature: 0.5 };
const resultLines = file('r.jsonl', async (folder) => {
  await promptLines.prepare(folder);
  const results = openResults(folder);
  for (const line of readPrompts(join(folder, 'p.jsonl'))) await results.append(line, [{ text: 'x' }]);
  return readFileSync(results.path);
});

function openResults(folder: string): ResultsFile {
  const prompts = join(folder, 'p.jsonl');
  const lines = readPrompts(prompts);
  return ResultsFile.check(join(folder, 'r.jsonl'), { file: prompts, lines }, SAMPLE_SETTINGS);
}

const zipped = file('x.txt.gz', () => gzipSync(tinyText(1, 200)));

/** Corpora of the other formats, by name. */
const corpora: Readonly<Record<string, () => string | Uint8Array>> = {
  'x.csv': () =>
    `id,text\n${fewTexts()
      .map((text, i) => `${i},"${text}"`)
      .join('\n')}\n`,
  'x.json': () => JSON.stringify(fewTexts().map((text) => ({ text }))),
  'x.parquet': () =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'id', data: fewTexts().map((_, i) => i), type: 'INT32' },
          { name: 'text', data: fewTexts(), type: 'STRING' },
        ],
        rowGroupSize: 15,
      }),
    ),
  'x.txt.zst': () => zstdCompressSync(tinyText(1, 200)),
  'x.txt.bz2': () => readFileSync(join(ROOT, 'test/fixtures/formats/few.txt.bz2')),
};

const fewTexts = () => Array.from({ length: 40 }, (_, i) => tinyText(i, 3));

function corpusTargets(): Target[] {
  return Object.entries(corpora).map(([name, write]) => {
    const corpus = file(name, write);
    return {
      name,
      prepare: corpus.prepare,
      read: async (folder, bytes) => {
        corpus.write(folder, bytes);
        await readCorpus(folder, name);
      },
    };
  });
}

async function readCorpus(folder: string, name: string): Promise<void> {
  const files = await listCorpus([{ files: [name], documents: 'paragraph', textField: 'text' }], folder);
  for await (const chunk of readChunks(files)) await documentsOf(chunk, files[0]);
}

const keptWindows = file('windows.jsonl', () =>
  [0, 1]
    .map((window) => `${JSON.stringify({ settings: 'a', window, sums: [1, 0.5, -1, 0], numEmpty: 0 })}\n`)
    .join(''),
);

const endpointAnswer = file('answer.json', () =>
  JSON.stringify({
    choices: [
      { index: 0, text: ' the', error: null },
      { index: 1, text: ' a', finish_reason: 'length' },
    ],
    error: { message: 'model overloaded', code: 529 },
  }),
);

export const TARGETS: readonly Target[] = [
  {
    name: 'configuration',
    format: 'yaml',
    prepare: config.prepare,
    read: async (folder, bytes) => {
      config.write(folder, bytes);
      const path = join(folder, 'calm.yaml');
      await makePlan(checkConfig(parseConfig(path, readFileSync(path, 'utf8'))), registry(), {});
    },
  },
  within(
    'safetensors',
    'model.safetensors',
    (folder) => {
      mkdirSync(folder, { recursive: true });
      return writeSafetensors(join(folder, 'model.safetensors'), tensors());
    },
    async (folder) => {
      await readWeights(folder);
      await readSafetensors(join(folder, 'model.safetensors'));
    },
  ),
  within(
    'index of weights',
    'model.safetensors.index.json',
    async (folder) => {
      mkdirSync(folder, { recursive: true });
      await writeSafetensors(join(folder, 'model-1.safetensors'), tensors());
      writeFileSync(
        join(folder, 'model.safetensors.index.json'),
        JSON.stringify({
          metadata: {},
          weight_map: { 'a.weight': 'model-1.safetensors', b: 'model-1.safetensors' },
        }),
      );
    },
    async (folder) => {
      await readWeights(folder);
    },
    'json',
  ),
  within(
    'pytorch_model.bin',
    'pytorch_model.bin',
    async (folder) => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(
        join(folder, 'pytorch_model.bin'),
        readFileSync(join(import.meta.dirname, '../../fixtures/pytorch/parameters.bin')),
      );
    },
    async (folder) => {
      await readWeights(folder);
    },
  ),
  within('index of tokens', 'index.json', (folder) => writeTokens(folder), readTokens, 'json'),
  within('shard of tokens', 'train-00000.bin', (folder) => writeTokens(folder), readTokens),
  within('document lengths', 'train.documents.bin', (folder) => writeTokens(folder), readTokens),
  within(
    'prompt lengths',
    'train.prompts.bin',
    (folder) => writeTokens(folder, { alignedTo: 4 }),
    readTokens,
  ),
  within('index of latents', 'index.json', (folder) => writeLatents(folder), readLatents, 'json'),
  within('shard of latents', 'train-00000.bin', (folder) => writeLatents(folder), readLatents),
  within('latents in bytes', 'train-00000.bin', (folder) => writeLatents(folder, 'int8'), readLatents),
  {
    name: 'tokenizer.json',
    format: 'json',
    prepare: tokenizer.prepare,
    read: async (folder, bytes) => {
      tokenizer.write(folder, bytes);
      await useTokenizer(join(folder, 'tokenizer.json'));
    },
  },
  {
    name: 'tokenizer.model',
    prepare: tiktoken.prepare,
    read: async (folder, bytes) => {
      tiktoken.write(folder, bytes);
      await useTokenizer(join(folder, 'tokenizer.model'));
    },
  },
  {
    name: 'manifest',
    format: 'json',
    prepare: manifest.prepare,
    read: async (folder, bytes) => {
      manifest.write(folder, bytes);
      await problemsOf(folder, (await readManifest(folder))?.files ?? {}, true);
    },
  },
  within(
    'checkpoint',
    'step-00000003/state.json',
    async (folder) => new CheckpointStore(folder).save(3, { window: {} }, tensors()),
    async (folder) => {
      await new CheckpointStore(folder).latest();
    },
    'json',
  ),
  {
    name: 'configuration of a model',
    format: 'json',
    prepare: modelConfig.prepare,
    read: async (folder, bytes) => {
      modelConfig.write(folder, bytes);
      const model = new ModelFolder(folder, 'language-model');
      const calm = await model.readConfig(readCalmConfig);
      countParameters(calmTable(calm, await loadHead(calm.head.name)));
      countParameters(
        autoencoderTable(
          await model.readConfig((path, stated) => checkedConfig(path, autoencoderSchema, stated)),
        ),
      );
    },
  },
  {
    name: 'folder of an autoencoder',
    format: 'json',
    prepare: autoencoderConfig.prepare,
    read: async (folder, bytes) => {
      autoencoderConfig.write(folder, bytes);
      await checkAutoencoderFolder(folder);
    },
  },
  {
    name: 'JSON lines',
    prepare: jsonLines.prepare,
    read: async (folder, bytes) => {
      jsonLines.write(folder, bytes);
      await readCorpus(folder, 'x.jsonl');
    },
  },
  {
    name: '.gz',
    prepare: zipped.prepare,
    read: async (folder, bytes) => {
      zipped.write(folder, bytes);
      await readCorpus(folder, 'x.txt.gz');
    },
  },
  ...corpusTargets(),
  {
    name: 'kept windows of an endpoint',
    prepare: keptWindows.prepare,
    read: async (folder, bytes) => {
      keptWindows.write(folder, bytes);
      const kept = new KeptWindows(join(folder, 'windows.jsonl'), 'a');
      kept.add(2, { sums: [0, 0, 0, 0], numEmpty: 0 });
      kept.close();
    },
  },
  {
    name: 'answer of an endpoint',
    format: 'json',
    prepare: endpointAnswer.prepare,
    read: async (_, bytes) => {
      const reply = { status: 200, contentType: '', retryAfter: '', text: Buffer.from(bytes).toString() };
      try {
        textsOf(reply, { shown: 'http://there/v1', quote: (text) => text, maxRetryAfterMs: 0 });
      } catch (error) {
        throw error instanceof PassingFailure ? error.error : error;
      }
    },
  },
  {
    name: 'prompts',
    prepare: promptLines.prepare,
    read: async (folder, bytes) => {
      promptLines.write(folder, bytes);
      readPrompts(join(folder, 'p.jsonl'));
    },
  },
  {
    name: 'results of prompts',
    prepare: resultLines.prepare,
    read: async (folder, bytes) => {
      resultLines.write(folder, bytes);
      await openResults(folder).begin();
    },
  },
];
