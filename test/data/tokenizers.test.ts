import { writeFileSync } from 'node:fs';
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
  t.deepEqual(model.merges?.slice(0, 2), [
    ['a', 'b'],
    ['Ġ', 'ab'],
  ]);
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

test('files that are no tokenizers are refused', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'tokenizer.json');
  const code = async (text: string, endOfText?: string) => {
    writeFileSync(file, text);
    return ((await t.throwsAsync(loadTokenizer(file, endOfText))) as { code?: string }).code;
  };
  t.is(await code('{'), 'CALM_TOKENIZER_INVALID');
  t.is(await code('{"model": {}}'), 'CALM_TOKENIZER_INVALID');
  t.is(await code(JSON.stringify(trained(280)), '<nope>'), 'CALM_TOKEN_UNKNOWN');
});
