import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Tokenizer as HuggingFace } from 'tokenizers';
import { ByteTokenizer, loadTokenizer, openTokenizer, trainBpe, WordCounter } from '../../src/data/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { tinyText } from '../helpers/tiny.ts';

const STRINGS = [
  'the people of this nation',
  '  two  spaces\n\nand lines\t',
  "it's 1234 naïve café — 日本語 🙂",
  '',
  '\u0000\u0001',
  'a'.repeat(300),
];

function trained(vocabSize: number) {
  const words = new WordCounter();
  words.add(tinyText(1, 400));
  return trainBpe(words.counts, vocabSize);
}

test('a trained BPE has the size that was asked for and gives text back', async (t) => {
  const tokenizer = openTokenizer(trained(320), 'trained');
  t.is(tokenizer.vocabSize, 320);
  t.is(tokenizer.endOfTextId, 318);
  t.is(tokenizer.padId, 319);
  for (const text of STRINGS)
    t.is(await tokenizer.decode([...Array.from(await tokenizer.encode(text))]), text);
  t.true((await tokenizer.encode('the people of this nation')).length < 15);
});

test('Hugging Face tokenizers loads the tokenizer.json with the same ids', async (t) => {
  const folder = temporaryFolder(t);
  for (const tokenizer of [openTokenizer(trained(300), 'trained'), new ByteTokenizer()]) {
    const file = join(folder, 'tokenizer.json');
    writeFileSync(file, tokenizer.toJson());
    const native = HuggingFace.fromFile(file);
    for (const text of STRINGS)
      t.deepEqual(Array.from(await tokenizer.encode(text)), (await native.encode(text)).getIds());
    t.is(native.getVocabSize(), tokenizer.vocabSize);
  }
});

test('training merges the commonest pairs first and stops when none occurs twice', (t) => {
  const words = new WordCounter();
  words.add('abab abab abc');
  const { model } = trainBpe(words.counts, 10_000);
  t.deepEqual(model.merges?.slice(0, 2), ['a b', 'Ġ ab']);
  t.true((model.merges?.length ?? 0) < 6);
  t.is(JSON.stringify(trainBpe(words.counts, 300)), JSON.stringify(trainBpe(words.counts, 300)));
});

test('another tokenizer.json gets [PAD] as its next id; the byte tokenizer is recognised', async (t) => {
  const folder = temporaryFolder(t);
  const json = trained(280);
  const file = join(folder, 'tokenizer.json');
  writeFileSync(file, JSON.stringify({ ...json, added_tokens: json.added_tokens?.slice(0, 1) }));
  const tokenizer = await loadTokenizer(file);
  t.is(tokenizer.padId, 279);
  t.is(tokenizer.vocabSize, 280);
  writeFileSync(file, new ByteTokenizer().toJson());
  t.true((await loadTokenizer(file)) instanceof ByteTokenizer);
});

test('names of special tokens in a text are these tokens, as Hugging Face has it', async (t) => {
  const text = 'a<|endoftext|>b [PAD][PAD] <|endoftext|';
  for (const tokenizer of [openTokenizer(trained(300), 'trained'), new ByteTokenizer()]) {
    const native = HuggingFace.fromString(tokenizer.toJson());
    const expected = (await native.encode(text)).getIds();
    t.deepEqual(Array.from(await tokenizer.encode(text)), expected);
    t.deepEqual(
      (await tokenizer.encodeBatch([text])).map((ids) => Array.from(ids)),
      [expected],
    );
    t.is(expected.filter((id) => id === tokenizer.padId).length, 2);
    t.false(Array.from(await tokenizer.encodeAsText(text)).some((id) => id >= tokenizer.endOfTextId));
  }
});

/** A tokenizer of 22 merges, beginning-of-text, end-of-text, and whatever else. */
function foreign(change: object = {}, more: readonly string[] = []) {
  const json = trained(280);
  const added = ['<s>', '</s>', ...more].map((content, i) => ({
    ...json.added_tokens?.[0],
    id: 278 + i,
    content,
  }));
  return JSON.stringify({ ...json, added_tokens: added, ...change });
}

const BEGINNING = {
  type: 'TemplateProcessing',
  single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
  pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 0 } }],
  special_tokens: { '<s>': { id: '<s>', ids: [278], tokens: ['<s>'] } },
};
const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };

test('what a post-processor puts around a text is what Hugging Face puts there', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'tokenizer.json');
  const around = { type: 'RobertaProcessing', sep: ['</s>', 279], cls: ['<s>', 278] };
  const options = { trim_offsets: true, add_prefix_space: false };
  for (const processor of [
    null,
    BYTE_LEVEL,
    BEGINNING,
    { ...around, ...options },
    { ...around, type: 'BertProcessing' },
    { type: 'Sequence', processors: [BYTE_LEVEL, BEGINNING] },
  ]) {
    writeFileSync(file, foreign({ post_processor: processor }));
    const tokenizer = await loadTokenizer(file);
    const ids = [
      ...tokenizer.beginning,
      ...Array.from(await tokenizer.encode('people')),
      ...tokenizer.ending,
    ];
    t.deepEqual(ids, (await HuggingFace.fromFile(file).encode('people')).getIds());
    const bare = await loadTokenizer(file, { addSpecialTokens: false });
    t.deepEqual([bare.beginning, bare.ending], [[], []]);
    const written = HuggingFace.fromString(bare.toFiles()['tokenizer.json']);
    t.deepEqual((await written.encode('people')).getIds(), Array.from(await bare.encode('people')));
  }
  const several = { type: 'Sequence', processors: [BEGINNING, { ...around, ...options }] };
  writeFileSync(file, foreign({ post_processor: several }));
  t.like(await t.throwsAsync(loadTokenizer(file)), { code: 'CALM_TOKENIZER_INVALID' });
  const twice = { ...BEGINNING, single: [...BEGINNING.single, ...BEGINNING.single] };
  writeFileSync(file, foreign({ post_processor: twice }));
  t.like(await t.throwsAsync(loadTokenizer(file)), { code: 'CALM_TOKENIZER_INVALID' });
});

test('a padding token of its own is the padding, and none is added', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'tokenizer.json');
  const state = (config: object, name = 'tokenizer_config.json') =>
    writeFileSync(join(folder, name), JSON.stringify(config));
  const found = async (options = {}) => {
    const { padId, endOfTextId, vocabSize } = await loadTokenizer(file, options);
    return [padId, endOfTextId, vocabSize];
  };
  // By a usual name.
  writeFileSync(file, foreign({}, ['<pad>']));
  t.deepEqual(await found(), [280, 279, 281]);
  // As tokenizer.json, special_tokens_map.json or tokenizer_config.json names it.
  writeFileSync(file, foreign({}, ['<fill>']));
  t.deepEqual(await found(), [281, 279, 282]);
  const padding = { strategy: 'BatchLongest', direction: 'Right', pad_to_multiple_of: null };
  const named = { ...padding, pad_id: 280, pad_type_id: 0, pad_token: '<fill>' };
  writeFileSync(file, foreign({ padding: named }, ['<fill>']));
  t.deepEqual(await found(), [280, 279, 281]);
  writeFileSync(file, foreign({}, ['<fill>', '<turn>']));
  state({ pad_token: { content: '<fill>' } }, 'special_tokens_map.json');
  t.deepEqual(await found(), [280, 279, 282]);
  state({ pad_token: '<fill>', eos_token: { content: '<turn>', special: true } });
  t.deepEqual(await found(), [280, 281, 282]);
  // End-of-text may pad.
  state({ pad_token: '</s>' });
  t.deepEqual(await found(), [279, 279, 282]);
  // What is asked for comes before what is stated; where a model has no room for padding, there is none.
  t.deepEqual(await found({ endOfText: '<turn>', pad: 278 }), [278, 281, 282]);
  writeFileSync(file, foreign());
  state({}, 'special_tokens_map.json');
  state({});
  t.deepEqual(await found(), [280, 279, 281]);
  t.deepEqual(await found({ modelVocabSize: 281 }), [280, 279, 281]);
  t.deepEqual(await found({ modelVocabSize: 280 }), [279, 279, 280]);
  state({ pad_token: '<nowhere>' });
  const added = await loadTokenizer(file);
  t.is(await added.decode([added.padId], true), '<nowhere>');
});

test('the files of a tokenizer are read to the same tokenizer, and keep what was stated', async (t) => {
  const folder = temporaryFolder(t);
  const write = (files: Readonly<Record<string, string>>, where: string) => {
    mkdirSync(join(folder, where));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, where, name), text);
    return join(folder, where);
  };
  const config = { tokenizer_class: 'Other', chat_template: '{{ x }}', model_max_length: 1e30 };
  const stated = JSON.stringify({ ...config, eos_token: '<turn>' });
  const given = write(
    {
      'tokenizer.json': foreign({ post_processor: BEGINNING }, ['<turn>']),
      'tokenizer_config.json': stated,
      'chat_template.jinja': '{{ y }}',
    },
    'given',
  );
  const first = await loadTokenizer(given);
  const files = first.toFiles();
  const { added_tokens_decoder: decoder, ...rest } = JSON.parse(files['tokenizer_config.json']);
  t.deepEqual(rest, {
    tokenizer_class: 'Other',
    chat_template: '{{ x }}',
    eos_token: '<turn>',
    pad_token: '[PAD]',
  });
  t.deepEqual(Object.keys(decoder), ['278', '279', '280', '281']);
  t.is(files['chat_template.jinja'], '{{ y }}');
  const again = await loadTokenizer(write(files, 'again'));
  t.deepEqual(again.toFiles(), files);
  for (const key of ['vocabSize', 'endOfTextId', 'padId', 'beginning'] as const)
    t.deepEqual(again[key], first[key]);
  // Merges that are pairs become texts, which older readers need, unless a part holds a space.
  const json = JSON.parse(foreign());
  const merges = (json.model.merges as string[]).map((merge) => merge.split(' '));
  const pairs = openTokenizer({ ...json, model: { ...json.model, merges } }, 'pairs');
  t.deepEqual(JSON.parse(pairs.toFiles()['tokenizer.json']).model.merges, json.model.merges);
});

test('files that are no tokenizers are refused', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'tokenizer.json');
  const code = async (text: string, endOfText?: string) => {
    writeFileSync(file, text);
    return ((await t.throwsAsync(loadTokenizer(file, { endOfText }))) as { code?: string }).code;
  };
  t.is(await code('{'), 'CALM_TOKENIZER_INVALID');
  t.is(await code('{"model": {}}'), 'CALM_TOKENIZER_INVALID');
  t.is(await code(JSON.stringify(trained(280)), '<nope>'), 'CALM_TOKEN_UNKNOWN');
});
