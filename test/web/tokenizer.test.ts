/** The tokenizer of the page against the native one: the same ids, the same text. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  ByteTokenizer,
  loadTokenizer,
  type TokenizerJson,
  trainBpe,
  WordCounter,
} from '../../src/data/index.ts';
import { openWebTokenizer } from '../../src/web/model/web-tokenizer.ts';

const folder = mkdtempSync(join(tmpdir(), 'calm-test-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const TEXTS = [
  '',
  ' ',
  'The people of the United States, in 1789.',
  "it's  two   spaces\n\n\tand\r\na tab ",
  '<|endoftext|> is a name, [PAD] too',
  'Ωmega ñandú 日本語 🙂 e\u0301 \ufeffbyte order mark \u0000',
  '<script>alert("1")</script> & &amp;',
  'ſ K İ ß',
];

for (const kind of ['bpe', 'bytes'])
  test(`${kind}: ids and texts are those of the tokenizer in Node`, async (t) => {
    const json = kind === 'bytes' ? new ByteTokenizer().toJson() : trained();
    const file = join(folder, `${kind}.json`);
    writeFileSync(file, json);
    const native = await loadTokenizer(file);
    const { endOfTextId, padId, beginning } = native;
    const web = openWebTokenizer(JSON.parse(json) as TokenizerJson, { endOfTextId, padId, beginning });
    for (const text of TEXTS) {
      const ids = Array.from(await native.encode(text));
      t.deepEqual(Array.from(await web.encode(text)), ids, text);
      t.deepEqual(
        Array.from(await web.encodeAsText(text)),
        Array.from(await native.encodeAsText(text)),
        text,
      );
      t.is(await web.decode(ids), await native.decode(ids), text);
      t.is(await web.decode(ids, true), await native.decode(ids, true), text);
      // A text in the middle of a character.
      for (let length = 1; length < ids.length; length++)
        t.is(await web.decode(ids.slice(0, length)), await native.decode(ids.slice(0, length)), text);
    }
  });

/** A byte-level BPE of English words. */
function trained(): string {
  const words = new WordCounter();
  for (const text of TEXTS) words.add(text);
  words.add('the people of the United States and the people of the States '.repeat(20));
  return JSON.stringify(trainBpe(words.counts, 300));
}
