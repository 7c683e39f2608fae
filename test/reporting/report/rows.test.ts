import test from 'ava';
import { labelOf } from '../../../src/reporting/report/rows.ts';
import type { Manifest } from '../../../src/runs/index.ts';

test('a value is called what its stage calls it', (t) => {
  const manifest = {
    labels: { 'hits.rate': { label: 'hit rate', better: 'higher' } },
  } as unknown as Manifest;
  const row = { labels: {}, manifests: { evaluate: manifest }, curves: {}, costs: [], own: {}, ids: {} };
  t.is(labelOf([row], 'evaluate.hits.rate'), 'hit rate');
  t.is(labelOf([row], ['evaluate.hits.rate', 'evaluate.other']), 'hit rate');
  t.is(labelOf([row], 'evaluate.hits.count'), undefined);
  t.is(labelOf([row], 'seed'), undefined);
  t.is(labelOf([row], 'rate', { list: 'evaluate.hits' }), 'hit rate');
  t.is(labelOf([row], 'hits.rate', { curve: 'evaluate' }), 'hit rate');
  t.is(labelOf([row], 'rate', { curve: 'evaluate' }), undefined);
});
