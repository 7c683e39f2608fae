import test from 'ava';
import { tokenShards } from '../../src/artifacts/index.ts';
import { DocumentPatches, evenlySpread, PatchSequences, shuffledBatch } from '../../src/data/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test(
  'documents are padded to whole patches for the autoencoder, concatenated for the ' + 'language model',
  async (t) => {
    const folder = temporaryFolder(t);
    const writer = await tokenShards.create(folder);
    await writer.begin({ vocabSize: 100, endOfTextId: 98, padId: 99 }, {});
    for (const ids of [[1, 2, 3, 4], [5], [6, 7]]) {
      writer.append('train', ids, 0);
      writer.endDocument('train');
    }
    await writer.finish();
    const stream = (await tokenShards.open(folder)).split('train');
    const patches = new DocumentPatches(stream, 3, 99);
    t.is(patches.numPatches, 4);
    t.deepEqual([...patches.readMany([0, 1, 2, 3])], [1, 2, 3, 4, 98, 99, 5, 98, 99, 6, 7, 98]);
    const sequences = new PatchSequences(stream, 2, 2);
    t.is(sequences.numSequences, 2);
    t.deepEqual([...sequences.read(1)], [98, 5, 98, 6]);
  },
);

test('patches of many documents come as they are one by one, in any order and twice', async (t) => {
  const folder = temporaryFolder(t);
  const writer = await tokenShards.create(folder);
  await writer.begin({ vocabSize: 5000, endOfTextId: 4998, padId: 4999 }, {});
  const [expected, documents]: [number[][], number[]] = [[], []];
  for (let document = 0; document < 700; document++) {
    const ids = Array.from({ length: (document * 7) % 11 }, (_, i) => (document * 13 + i) % 4998);
    writer.append('train', ids, 0);
    writer.endDocument('train');
    ids.push(4998);
    for (let at = 0; at < ids.length; at += 4) {
      expected.push([...ids.slice(at, at + 4), 4999, 4999, 4999].slice(0, 4));
      documents.push(document);
    }
  }
  await writer.finish();
  const shards = await tokenShards.open(folder);
  const patches = new DocumentPatches(shards.split('train'), 4, 4999);
  t.is(patches.numPatches, expected.length);
  const drawn = [...shuffledBatch(expected.length, expected.length, 0, 1, 'x'), 0, 5, 5, expected.length - 1];
  t.deepEqual(
    [...patches.readMany(drawn)],
    drawn.flatMap((patch) => expected[patch]),
  );
  t.deepEqual(
    patches.documentsOf(drawn),
    drawn.map((patch) => documents[patch]),
  );
  t.deepEqual([...patches.read(3)], expected[3]);
  t.deepEqual([...patches.readMany([])], []);
  t.throws(() => patches.readMany([1, expected.length]), { message: /there is no patch/ });
  shards.close();
});

test('every epoch visits everything once, in its own order', (t) => {
  const epoch = (n: number) =>
    Array.from({ length: 5 }, (_, i) => shuffledBatch(10, 2, 5 * n + i, 1, 'x')).flat();
  const all = Array.from({ length: 10 }, (_, i) => i);
  for (const n of [0, 1, 7])
    t.deepEqual(
      epoch(n).sort((a, b) => a - b),
      all,
    );
  t.notDeepEqual(epoch(0), epoch(1));
});

test('an even spread takes what there is', (t) => {
  t.deepEqual(evenlySpread(10, 4), [0, 2, 5, 7]);
  t.deepEqual(evenlySpread(2, 4), [0, 1]);
});
