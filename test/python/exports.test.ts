/**
 * What Hugging Face's transformers makes of exports. CALM_PYTHON names the interpreters, one or more, between
 * colons; each has some version of transformers, and torch where logits are to be compared.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { languageModelFolder } from 'calm-lm/artifacts';
import { ByteTokenizer, documentIds, loadTokenizer } from 'calm-lm/data';
import { intTensor, loadEngine, tf } from 'calm-lm/engine';
import { loadTransformer, runTransformer, tokenLogits } from 'calm-lm/models';
import { stringify } from 'yaml';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES, writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);
const PYTHONS = (process.env.CALM_PYTHON ?? '').split(delimiter).filter((path) => path !== '');
const testWithPython = PYTHONS.length > 0 ? test : test.skip;

const TEXTS = [
  'the people of this nation',
  ' leading space',
  'trailing space ',
  '  two  spaces  ',
  '\n',
  'a\n\n\nb\r\nc\td',
  "it's you're they'll I'd we've",
  '1234567890 3.14 1,000',
  'naïve café — “quotes” …',
  'e\u0301 and é',
  '日本語のテキスト',
  'Привет, мир',
  'مرحبا بالعالم',
  'नमस्ते दुनिया',
  '🙂🙃 👩‍👩‍👧‍👦 🇩🇪',
  '\u0000\u0001\u007f',
  '\u00a0no-break\u2003em\u200bzero',
  '\ufeffbyte-order mark',
  '�',
  '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u{10ffff}',
  'a'.repeat(300),
  '<|endoftext|>',
  'before<|endoftext|>after',
  '[PAD]',
  'a [PAD][PAD] b <|endoftext|',
  '<s> </s> <unk>',
  '[CLS] [SEP] [MASK] [UNK]',
  'did n\'t , . ! ? do " not',
  '\\n {"json": [1, 2]} <b>html</b>',
];

interface ReadTokenizer {
  readonly keys: string[];
  readonly ids: number[][];
  readonly decoded: string[];
  readonly eos: number;
  readonly pad: number;
  readonly bos: number;
  readonly size: number;
}

interface Answer {
  readonly transformers: string;
  readonly folders: readonly {
    readonly tokenizer: ReadTokenizer;
    readonly model: { readonly class: string; readonly keys: string[]; readonly logits: number[] } | null;
  }[];
}

function readByPython(t: ExecutionContext, python: string, asked: object): Answer {
  const script = join(import.meta.dirname, 'read_export.py');
  const { status, stdout, stderr } = spawnSync(python, [script], {
    input: JSON.stringify(asked),
    cwd: temporaryFolder(t),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  t.is(status, 0, `${python}\n${stderr}`);
  return JSON.parse(stdout);
}

/** A discrete Transformer that is not quite the usual one. */
const TRANSFORMER = {
  model: 'transformer',
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  ropeTheta: 500,
  initializerRange: 0.1,
  tokensPerSequence: 32,
  sequencesPerStep: 2,
  steps: 5,
  warmupSteps: 1,
  learningRate: 0.01,
};

/** A tokenizer that begins every text with a token, as Llama's do, and has no padding. */
function llamaLikeTokenizer() {
  const json = JSON.parse(new ByteTokenizer().toJson());
  const [first, second] = json.added_tokens;
  const [begin, end] = ['<s>', '</s>'];
  const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } });
  const piece = { SpecialToken: { id: begin, type_id: 0 } };
  return {
    ...json,
    added_tokens: [
      { ...first, content: begin },
      { ...second, content: end },
    ],
    post_processor: {
      type: 'TemplateProcessing',
      single: [piece, sequence('A', 0)],
      pair: [piece, sequence('A', 0), sequence('B', 1)],
      special_tokens: { [begin]: { id: begin, ids: [first.id], tokens: [begin] } },
    },
  };
}

async function must(t: ExecutionContext, folder: string, ...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await calm(args, folder);
  t.is(code, 0, `${args.join(' ')}\n${stdout}${stderr}`);
}

interface Exported {
  /** The folder that was written, relative to where. */
  readonly name: string;
  readonly directory: string;
  /** The model in the run. */
  readonly original: string;
}

/** Exports of every kind of run: of bytes, of subwords, of an import, and of a CALM. */
async function makeExports(t: ExecutionContext): Promise<Exported[]> {
  const folder = temporaryFolder(t);
  const calmConfig = writeTinyProject(
    folder,
    { tokenize: { tokenizer: 'bpe', vocabSize: 290 } },
    { name: 'calm' },
  );
  const runs = {
    bytes: { tokenize: TINY_STAGES.tokenize, 'train-lm': TRANSFORMER },
    subwords: {
      tokenize: { ...TINY_STAGES.tokenize, tokenizer: 'bpe', vocabSize: 300 },
      'train-lm': { ...TRANSFORMER, tieWordEmbeddings: true },
    },
  };
  for (const [name, stages] of Object.entries(runs)) {
    writeFileSync(join(folder, `${name}.yaml`), stringify({ name, seed: 3, engine: 'onnx', stages }));
    await must(t, folder, 'run', `${name}.yaml`);
    await must(t, folder, 'export', `runs/${name}`, '--to', name);
  }
  // Somebody else's Llama: other special tokens, and what a folder of transformers says of them.
  const other = join(folder, 'other');
  mkdirSync(other);
  const config = JSON.parse(readFileSync(join(folder, 'bytes/config.json'), 'utf8'));
  const ids = { bos_token_id: 256, eos_token_id: [257], pad_token_id: -1 };
  writeFileSync(join(other, 'config.json'), JSON.stringify({ ...config, ...ids }));
  writeFileSync(join(other, 'model.safetensors'), readFileSync(join(folder, 'bytes/model.safetensors')));
  writeFileSync(join(other, 'tokenizer.json'), JSON.stringify(llamaLikeTokenizer()));
  writeFileSync(
    join(other, 'tokenizer_config.json'),
    JSON.stringify({
      bos_token: '<s>',
      eos_token: '</s>',
      tokenizer_class: 'PreTrainedTokenizerFast',
      clean_up_tokenization_spaces: false,
      model_input_names: ['input_ids', 'attention_mask'],
    }),
  );
  await must(t, folder, 'import', other, '--name', 'imported');
  await must(t, folder, 'export', 'runs/imported', '--to', 'imported');
  await must(t, folder, 'run', calmConfig);
  await must(t, folder, 'export', 'runs/calm', '--to', 'calm');
  const originals = {
    bytes: 'bytes/train-lm/model',
    subwords: 'subwords/train-lm/model',
    imported: 'imported/import-lm/model',
    calm: 'calm/train-lm/model',
    'calm/autoencoder': 'calm/train-autoencoder/autoencoder',
  };
  return Object.entries(originals).map(([name, original]) => ({
    name,
    directory: join(folder, name),
    original: join(folder, 'runs', original),
  }));
}

/** Our logits after every token, [tokens · vocabulary]. */
async function logitsOf(directory: string, ids: readonly number[]): Promise<Float32Array> {
  const { config, parameters } = await loadTransformer(await languageModelFolder.open(directory));
  const { hidden } = runTransformer(parameters, config, intTensor(Int32Array.from(ids), [1, ids.length]));
  return (await tf.reshape(tokenLogits(parameters, hidden), [-1]).data()) as Float32Array;
}

testWithPython('transformers reads exports of every kind of run as we do', async (t) => {
  t.timeout(600_000);
  const exported = await makeExports(t);
  await loadEngine('cpu');
  const ids = [3, 1, 4, 1, 5, 92, 65, 35, 89, 79];
  let numModels = 0;
  for (const python of PYTHONS) {
    const asked = { folders: exported.map(({ directory }) => directory), texts: TEXTS, ids };
    const answer = readByPython(t, python, asked);
    t.log(answer.transformers);
    for (const [i, { name, original }] of exported.entries()) {
      const where = `${name}, transformers ${answer.transformers}`;
      const { tokenizer: read, model } = answer.folders[i];
      const tokenizer = await loadTokenizer(original);
      const { beginning, endOfTextId, padId, vocabSize } = tokenizer;
      t.deepEqual(read.keys, ['attention_mask', 'input_ids'], where);
      t.deepEqual(
        [read.eos, read.pad, read.bos, read.size],
        [endOfTextId, padId, beginning[0] ?? endOfTextId, vocabSize],
        where,
      );
      for (const [text, asText] of TEXTS.entries()) {
        // A document without its end.
        const own = (await documentIds(tokenizer, asText)).slice(0, -1);
        t.deepEqual(read.ids[text], own, `${where}: ${JSON.stringify(asText)}`);
        t.is(read.decoded[text], await tokenizer.decode(own), `${where}: ${JSON.stringify(asText)}`);
      }
      if (!model) continue;
      numModels++;
      t.is(model.class, 'LlamaForCausalLM', where);
      t.deepEqual(model.keys, [], where);
      const own = await logitsOf(original, ids);
      t.is(model.logits.length, own.length, where);
      const largest = Math.max(...own.map(Math.abs));
      const difference = Math.max(...own.map((value, at) => Math.abs(value - model.logits[at])));
      t.true(difference < 3e-6 * largest, `${where}: ${difference} of ${largest}`);
    }
  }
  t.log(`${numModels} models compared`);
});
