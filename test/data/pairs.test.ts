/** Prompts with completions and chats, from every tabular format to the sequences that a model learns from. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { tokenShards } from '../../src/artifacts/index.ts';
import { DocumentPatches, DocumentSequences, PatchSequences } from '../../src/data/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { filesOf, tokenize } from '../helpers/tokenize.ts';

const [END, PAD] = [256, 257];
const bytes = (text: string) => [...Buffer.from(text)];
const PAIRS = [
  { prompt: '1+2=', completion: '3' },
  { prompt: '10+2=', completion: '12' },
  { prompt: '', completion: 'x' },
  { prompt: '7+6=', completion: '13' },
];
const FIELDS = { promptField: 'question', completionField: 'answer' };
const records = (pairs: readonly (typeof PAIRS)[number][]) =>
  pairs.map(({ prompt, completion }, id) => ({ id, question: prompt, answer: completion }));

function parquetOf(columns: Readonly<Record<string, readonly unknown[]>>, rowGroupSize: number): Uint8Array {
  const columnData = Object.entries(columns).map(([name, data]) => ({
    name,
    data: [...data],
    ...(typeof data[0] === 'string' ? { type: 'STRING' as const } : {}),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData: columnData as never, rowGroupSize }));
}

/** Writes the same pairs in every format. */
function writePairs(folder: string, pairs: typeof PAIRS): string[] {
  const rows = records(pairs);
  const quoted = (text: string) => `"${text}"`;
  const files = {
    'pairs.jsonl': rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    'pairs.json': JSON.stringify(rows),
    'pairs.csv': [
      'answer,id,question',
      ...rows.map((row) => [quoted(row.answer), row.id, quoted(row.question)]),
    ].join('\n'),
    'pairs.parquet': parquetOf(
      { question: rows.map(({ question }) => question), answer: rows.map(({ answer }) => answer) },
      3,
    ),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return Object.keys(files);
}

const open = async (folder: string) => tokenShards.open(join(folder, 'tokens'));

test('pairs of every format are prompts filled up as for sampling, and completions with their end', async (t) => {
  const folder = temporaryFolder(t);
  for (const files of writePairs(folder, PAIRS)) {
    await tokenize(folder, { corpus: [{ files, ...FIELDS }], alignTo: 4, validationFraction: 0 });
    const shards = await open(folder);
    t.deepEqual(shards.index.pairs, { alignedTo: 4 }, files);
    const train = shards.split('train');
    const expected = [
      [...bytes('1+2='), ...bytes('3'), END, PAD, PAD],
      [END, END, END, ...bytes('10+2='), ...bytes('12'), END, PAD],
      [END, END, END, END, ...bytes('x'), END, PAD, PAD],
      [...bytes('7+6='), ...bytes('13'), END, PAD],
    ];
    t.deepEqual([...train.read(0, train.length)], expected.flat(), files);
    t.deepEqual([...train.documentLengths()], [8, 12, 8, 8]);
    t.deepEqual([...train.promptLengths(0, 4)], [4, 8, 4, 4]);
  }
});

test('completions alone are learnt: packed, a patch counts by its first token; else a document is a row', async (t) => {
  const folder = temporaryFolder(t);
  writePairs(folder, PAIRS);
  await tokenize(folder, {
    corpus: [{ files: 'pairs.jsonl', ...FIELDS }],
    alignTo: 4,
    validationFraction: 0,
  });
  const shards = await open(folder);
  const train = shards.split('train');
  const packed = new PatchSequences(train, 2, 5);
  t.is(packed.numSequences, 3);
  // Patches of two tokens: 2 of a prompt, 2 learnt; 4 and 2; 2 and 2; 2 and 2.
  const all = [0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0];
  t.deepEqual(
    [0, 1, 2].flatMap((sequence) => [...(packed.learnt(sequence) ?? [])]),
    all,
  );
  const rows = new DocumentSequences(train, { patchSize: 2, patchesPerSequence: 5 }, PAD);
  t.is(rows.numSequences, 4);
  t.is(rows.numCut, 1);
  t.deepEqual([...rows.read(0)], [...bytes('1+2=3'), END, PAD, PAD, PAD, PAD]);
  t.deepEqual([...rows.learnt(0)], [0, 0, 1, 1, 0]);
  t.deepEqual([...rows.read(1)], [END, END, END, ...bytes('10+2='), ...bytes('12')]);
  t.deepEqual([...rows.learnt(1)], [0, 0, 0, 0, 1]);
  // The autoencoder learns every token, in the same patches.
  const patches = new DocumentPatches(train, 2, PAD);
  t.deepEqual(
    [...patches.readMany(Array.from({ length: patches.numPatches }, (_, i) => i))],
    [...train.read(0, train.length)],
  );
  // A patch of both kinds is refused, as the reference fails over it.
  t.throws(() => new PatchSequences(train, 8, 2).learnt(0), {
    code: 'CALM_PAIRS',
    message: /multiples of 4/,
  });
  // A corpus of texts has nothing that is left out, also one document a row.
  writeFileSync(join(folder, 'text.txt'), 'abc\n\ndefgh');
  await tokenize(folder, { corpus: [{ files: 'text.txt', documents: 'paragraph' }], validationFraction: 0 });
  const texts = await open(folder);
  t.is(new PatchSequences(texts.split('train'), 2, 2).learnt(0), undefined);
  const documents = new DocumentSequences(texts.split('train'), { patchSize: 2, patchesPerSequence: 3 }, PAD);
  t.deepEqual([...documents.read(0)], [...bytes('abc'), END, PAD, PAD]);
  t.deepEqual([...documents.learnt(0)], [1, 1, 0]);
});

const TEMPLATE =
  "{% for m in messages %}{{ m['role'][0] + ':' + m['content'] + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ 'a:' }}{% endif %}";
const CHAT = [
  { role: 'user', content: 'hi' },
  { role: 'assistant', content: 'yo' },
  { role: 'user', content: 'bye' },
  { role: 'assistant', content: 'ok' },
];

test('each turn of the assistant is a completion of all before it, by the chat template', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'chat.jinja'), TEMPLATE);
  const chats = [CHAT, CHAT.slice(2)];
  const files = {
    'chats.jsonl': chats.map((messages) => `${JSON.stringify({ messages })}\n`).join(''),
    'chats.parquet': parquetOf({ messages: chats.map((messages) => JSON.stringify(messages)) }, 1),
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content);
    const corpus = [{ files: name, messagesField: 'messages' }];
    await tokenize(folder, { corpus, chatTemplate: 'chat.jinja', alignTo: 2, validationFraction: 0.5 });
    const shards = await open(folder);
    const texts = (['validation', 'train'] as const).map((split) => {
      const stream = shards.split(split);
      return String.fromCodePoint(...stream.read(0, stream.length)).replaceAll(
        String.fromCodePoint(PAD),
        '_',
      );
    });
    const end = String.fromCodePoint(END);
    // Both turns of the first conversation are in one split.
    const turns = [`${end}u:hi\na:yo\n${end}`, `u:hi\na:yo\nu:bye\na:ok\n${end}`];
    t.deepEqual(
      texts.sort((a, b) => b.length - a.length),
      [turns.join(''), `u:bye\na:ok\n${end}`],
      name,
    );
    t.deepEqual(
      [
        ...shards.split('train').promptLengths(0, 1),
        ...shards.split('validation').promptLengths(0, 1),
      ].sort(),
      [8, 8],
    );
  }
});

test('what is no pair and no chat is refused by line, or left out; a text has no fields', async (t) => {
  const folder = temporaryFolder(t);
  const lines = [
    { prompt: 'a' },
    { prompt: 'a', completion: '' },
    { completion: 'b', prompt: 3 },
    { prompt: 'good', completion: 'one' },
  ];
  writeFileSync(join(folder, 'pairs.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const corpus = [{ files: 'pairs.jsonl', promptField: 'prompt' }];
  await t.throwsAsync(tokenize(folder, { corpus, validationFraction: 0 }), {
    message: /line has no text in a field "completion"; its fields are "prompt" \(`completionField` says/,
  });
  await tokenize(folder, { corpus, validationFraction: 0, onBadLine: 'skip' });
  const shards = await open(folder);
  t.is(shards.split('train').numDocuments, 1);
  writeFileSync(join(folder, 'text.txt'), 'text');
  await t.throwsAsync(tokenize(folder, { corpus: [{ files: 'text.txt', promptField: 'prompt' }] }), {
    message: /has no fields/,
  });
  writeFileSync(join(folder, 'table.csv'), 'prompt,answer\na,b\n');
  await t.throwsAsync(tokenize(folder, { corpus: [{ files: 'table.csv', promptField: 'prompt' }] }), {
    code: 'CALM_CORPUS_COLUMN',
    message: /no column "completion".*prompt, answer/,
  });
  writeFileSync(join(folder, 'chats.jsonl'), `${JSON.stringify({ messages: CHAT })}\n`);
  const chats = { corpus: [{ files: 'chats.jsonl', messagesField: 'messages' }], validationFraction: 0 };
  await t.throwsAsync(tokenize(folder, chats), { code: 'CALM_CHAT', message: /no chat template/ });
});

test('a stopped stage goes on in the middle of a table of pairs and ends with the same files', async (t) => {
  const [stopped, whole] = [join(temporaryFolder(t), 'a'), join(temporaryFolder(t), 'b')];
  const pairs = Array.from({ length: 10_000 }, (_, i) => ({ prompt: `${i}+1=`, completion: String(i + 1) }));
  for (const folder of [stopped, whole]) {
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'pairs.parquet'),
      parquetOf(
        { prompt: pairs.map((pair) => pair.prompt), completion: pairs.map((pair) => pair.completion) },
        9000,
      ),
    );
  }
  const given = { corpus: [{ files: 'pairs.parquet', promptField: 'prompt' }], alignTo: 2 };
  await t.throwsAsync(tokenize(stopped, { ...given, stopAfter: 2 }));
  const { notes } = await tokenize(stopped, given);
  t.regex(notes.join(), /resuming after 8192 documents/);
  await tokenize(whole, given);
  t.deepEqual(filesOf(stopped), filesOf(whole));
});
