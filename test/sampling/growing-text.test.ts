import test from 'ava';
import { ByteTokenizer, type Tokenizer } from 'calm-lm/data';
import { GrowingText } from 'calm-lm/sampling';

const bytes = new ByteTokenizer();

/** The pieces that a text is given out in, its bytes coming so many at a time; an empty one is left out. */
async function piecesOf(text: string, atOnce: number, limits: { maxTokens?: number; stop?: string[] } = {}) {
  const growing = new GrowingText(bytes, { maxTokens: 1000, ...limits });
  const ids = [...Buffer.from(text)];
  const pieces: string[] = [];
  for (let i = 0; i < ids.length && growing.end === undefined; i += atOnce)
    pieces.push(await growing.add(ids.slice(i, i + atOnce)));
  pieces.push(await growing.finish());
  return { pieces: pieces.filter((piece) => piece !== ''), growing };
}

test('no piece ends inside a character, however its bytes come', async (t) => {
  const text = 'naïve – 🙂 e\u0301 日本語';
  for (const atOnce of [1, 2, 3, 5]) {
    const { pieces, growing } = await piecesOf(text, atOnce);
    t.is(pieces.join(''), text);
    for (const piece of pieces)
      t.true(Buffer.from(piece).toString() === piece && !piece.includes('\uFFFD'), piece);
    t.is(growing.text, text);
    t.is(growing.end, 'length');
  }
  t.deepEqual((await piecesOf('a🙂', 1)).pieces, ['a', '🙂']);
});

test('bytes that are no character are given out once that is certain', async (t) => {
  const growing = new GrowingText(bytes, { maxTokens: 10 });
  t.is(await growing.add([0x61, 0xe2]), 'a');
  t.is(await growing.add([0x62]), '\uFFFDb');
  t.is(await growing.add([0xf0, 0x9f]), '');
  t.is(await growing.finish(), '\uFFFD');
  t.is(growing.text, 'a\uFFFDb\uFFFD');
});

test('a stop text ends the text and is no part of it, also where it comes in parts', async (t) => {
  for (const atOnce of [1, 2, 7]) {
    const { pieces, growing } = await piecesOf('one\n\ntwo\n\nthree', atOnce, { stop: ['\n\n', 'three'] });
    t.is(pieces.join(''), 'one');
    t.is(growing.text, 'one');
    t.is(growing.end, 'stop');
  }
  const { pieces } = await piecesOf('abcabd', 1, { stop: ['abd'] });
  t.deepEqual(pieces, ['abc'], 'what may be the beginning of a stop text waits');
  t.is((await piecesOf('ab', 1, { stop: ['abd'] })).pieces.join(''), 'ab', 'and comes when it is none');
  t.is((await piecesOf('x–y', 1, { stop: ['–'] })).pieces.join(''), 'x');
});

test('of several stop texts the one that ends first counts, in whatever pieces the text comes', async (t) => {
  for (const atOnce of [1, 2, 3, 4, 5]) {
    const textOf = async (stop: string[]) => (await piecesOf('xabcd', atOnce, { stop })).growing.text;
    t.is(await textOf(['d', 'b']), 'xa');
    t.is(await textOf(['abcd', 'bc']), 'xa');
    t.is(await textOf(['c', 'abc', 'bc']), 'x');
  }
});

test('tokens behind end-of-text or beyond the limit do not count', async (t) => {
  const ended = new GrowingText(bytes, { maxTokens: 10 });
  t.is(await ended.add([0x61, bytes.endOfTextId, 0x62]), 'a');
  t.deepEqual([ended.end, ended.numTokens], ['end of text', 1]);
  const full = new GrowingText(bytes, { maxTokens: 2 });
  t.is(await full.add([0x61, 0x62, 0x63]), 'ab');
  t.deepEqual([full.end, full.numTokens], ['length', 2]);
  const both = new GrowingText(bytes, { maxTokens: 2 });
  await both.add([0x61, 0x62, bytes.endOfTextId]);
  t.is(both.end, 'end of text', 'right behind the last token');
});

test('a tokenizer that changes what came before gives the whole text at its end', async (t) => {
  const joining = {
    endOfTextId: 9,
    decode: async (ids: readonly number[]) => (ids.length < 2 ? 'do n' : "don't"),
  } as unknown as Tokenizer;
  const growing = new GrowingText(joining, { maxTokens: 5 });
  t.is(await growing.add([1]), 'do n');
  t.is(await growing.add([2]), '');
  await growing.finish();
  t.is(growing.text, "don't");
});
