import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { loadTokenizer } from '../../src/data/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
/** All bytes, then a few words by rank. */
const TOKENS = [
  ...Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)),
  'th',
  'he',
  ' t',
  'the',
  ' the',
  'é'.normalize('NFC'),
];
const RANKS = TOKENS.map(
  (token, rank) => `${rank < 261 ? base64(token) : Buffer.from(token).toString('base64')} ${rank}`,
);

function write(folder: string, lines: readonly string[]): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'tokenizer.model'), `${lines.join('\n')}\n`);
  return folder;
}

test('a tiktoken file: merges follow from the ranks, special tokens and [PAD] come behind', async (t) => {
  const tokenizer = await loadTokenizer(write(temporaryFolder(t), RANKS));
  // t+h (256) comes before h+e (257); " the" is a token of its own.
  t.deepEqual(Array.from(await tokenizer.encode('the')), [259]);
  t.deepEqual(Array.from(await tokenizer.encode(' the')), [260]);
  t.deepEqual(Array.from(await tokenizer.encode('hte')), [...Buffer.from('hte')]);
  t.deepEqual(Array.from(await tokenizer.encode('é')), [261]);
  t.is(await tokenizer.decode([260, 257, 195]), ' thehe\uFFFD');
  t.is(tokenizer.endOfTextId, 263);
  t.is(tokenizer.vocabSize, 262 + 256 + 1);
  t.deepEqual(Array.from(await tokenizer.encode('<|end_of_text|>')), [263]);
  t.is(Array.from(await tokenizer.encodeAsText('<|end_of_text|>')).length, 15);
  t.deepEqual(Array.from(await tokenizer.encode('[PAD]')), [tokenizer.padId]);
  t.deepEqual(tokenizer.beginning, [262]);
  t.is(await tokenizer.decode([104, 263]), 'h');
  t.is(await tokenizer.decode([104, 263], true), 'h<|end_of_text|>');
});

test('what is wrong with a tiktoken file is said', async (t) => {
  const folder = temporaryFolder(t);
  const messageOf = async (lines: readonly string[]) =>
    (await t.throwsAsync(loadTokenizer(write(folder, lines))))?.message ?? '';
  t.regex(await messageOf([...RANKS.slice(0, 3), '!! 3']), /line 4/);
  t.regex(await messageOf([RANKS[0], RANKS[2]]), /line 2/);
  t.regex(await messageOf(RANKS.slice(0, 200)), /no token for the byte 200/);
  t.regex(await messageOf([...RANKS, `${base64('the')} ${RANKS.length}`]), /twice/);
});
