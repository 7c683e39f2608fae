import test from 'ava';
import { tokenShards } from '../../src/artifacts/index.ts';
import { DocumentPatches, evenlySpread, PatchSequences, shuffledBatch } from '../../src/data/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('documents are padded to whole patches for the autoencoder, concatenated for the language model', async (t) => {
  const folder = temporaryFolder(t);
  const writer = await tokenShards.create(folder);
  await writer.begin({ vocabSize: 100, endOfTextId: 98, padId: 99 }, '{}');
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
