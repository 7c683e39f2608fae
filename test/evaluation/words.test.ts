import test from 'ava';
import { bootstrapInterval, commonShare, WordCounts, wholeWords } from 'calm-lm/evaluation';

const countsOf = (...pieces: string[]) => {
  const counts = new WordCounts();
  for (const piece of pieces) counts.add(piece);
  counts.finish();
  return counts;
};

test('words of four letters or more count where the corpus has them five times', (t) => {
  const counts = countsOf('Nation nation, nation! NATION; nation. union union the the the the the the');
  t.deepEqual(counts.tally('The Nation’s union is the natio nation'), { words: 4, common: 2 });
});

test('a word may go on in the next piece of the corpus', (t) => {
  t.true(countsOf('state sta', 'te state st', 'ate sta', '', 'te').isCommon('state'));
  t.false(countsOf('state sta', 'te state st', 'ate sta', ' te').isCommon('state'));
});

test('letters of any script and both ways of writing an accent', (t) => {
  const counts = countsOf('école '.repeat(5), 'Россия '.repeat(5));
  t.deepEqual(counts.tally('E\u0301COLE россия ecole'), { words: 3, common: 2 });
});

test('what may be cut at the ends of a text does not count', (t) => {
  t.is(wholeWords('tion of the Uni'), ' of the ');
  t.is(wholeWords('. of the Union.'), '. of the Union.');
  t.is(wholeWords('nation'), '');
});

test('the share is of all texts together; its interval holds it', async (t) => {
  const tallies = [
    { words: 10, common: 9 },
    { words: 30, common: 12 },
    { words: 0, common: 0 },
    { words: 20, common: 15 },
  ];
  t.is(commonShare(tallies), 0.6);
  t.is(commonShare([{ words: 0, common: 0 }]), undefined);
  const [low, high] = (await bootstrapInterval(tallies, commonShare, 1)) as [number, number];
  t.true(low >= 0.4 && low < 0.6 && high > 0.6 && high <= 0.9, `${low}, ${high}`);
  t.is(await bootstrapInterval(tallies.slice(0, 1), commonShare, 1), undefined);
});
