import test from 'ava';
import { parseHubAddress } from '../../src/hub/address.ts';
import { dataFiles } from '../../src/hub/data-files.ts';

const files = (...paths: string[]) => paths.map((path) => ({ path, bytes: 1, oid: path }));
const chosen = (text: string, all: ReturnType<typeof files>, card?: string) =>
  dataFiles(parseHubAddress(text), all, () => card).files.map(({ path }) => path);

test('an address has a kind, a name, a revision, and what is meant in the repository', (t) => {
  t.like(parseHubAddress('hf:me/model'), { type: 'model', name: 'me/model', revision: 'main', path: '' });
  t.like(parseHubAddress('hf://datasets/me/texts@v1.0/data/*.parquet'), {
    type: 'dataset',
    name: 'me/texts',
    revision: 'v1.0',
    path: 'data/*.parquet',
  });
  t.is(parseHubAddress('hf:datasets/me/texts@refs/convert/parquet/a').revision, 'refs/convert/parquet');
  t.is(parseHubAddress('hf:datasets/me/texts@~parquet').revision, 'refs/convert/parquet');
  t.like(parseHubAddress('hf:datasets/me/texts?config=small&split=test+train'), {
    config: 'small',
    split: 'test+train',
  });
  t.is(parseHubAddress('hf:datasets/me/texts/part-?.txt').path, 'part-?.txt');
  for (const wrong of [
    'hf:model',
    'hf:me/model/../../x',
    'hf:me/model?split=train',
    'hf:datasets/me/t/x?split=a',
  ])
    t.throws(() => parseHubAddress(wrong), { code: 'CALM_HUB_ADDRESS' }, wrong);
});

test('names of files tell the splits; the training split is taken, and cards and code never', (t) => {
  const all = files(
    'README.md',
    'data/train-00001-of-2.parquet',
    'data/train-00000-of-2.parquet',
    'data/test.parquet',
  );
  t.deepEqual(chosen('hf:datasets/me/t', all), [
    'data/train-00000-of-2.parquet',
    'data/train-00001-of-2.parquet',
  ]);
  t.deepEqual(chosen('hf:datasets/me/t?split=test', all), ['data/test.parquet']);
  t.regex(
    dataFiles(parseHubAddress('hf:datasets/me/t'), all, () => undefined).note ?? '',
    /train is taken.*test/,
  );
  t.deepEqual(chosen('hf:datasets/me/t', files('latest.txt', '.gitattributes', 'load.py', 'README.md')), [
    'latest.txt',
  ]);
  t.throws(() => chosen('hf:datasets/me/t?split=tset', all), { code: 'CALM_HUB_SPLIT', message: /tset/ });
});

test('a card states configurations and splits', (t) => {
  const card = `---
configs:
- config_name: small
  data_files:
  - split: train
    path: small/*.jsonl
  - split: extra
    path: [other/a.jsonl, other/b.jsonl]
- config_name: large
  data_files: large/*.jsonl
---
# Texts`;
  const all = files('small/1.jsonl', 'small/2.jsonl', 'other/a.jsonl', 'other/b.jsonl', 'large/1.jsonl');
  t.deepEqual(chosen('hf:datasets/me/t?config=small', all, card), ['small/1.jsonl', 'small/2.jsonl']);
  t.deepEqual(chosen('hf:datasets/me/t?config=small&split=extra', all, card), [
    'other/a.jsonl',
    'other/b.jsonl',
  ]);
  t.deepEqual(chosen('hf:datasets/me/t?config=large', all, card), ['large/1.jsonl']);
  t.throws(() => chosen('hf:datasets/me/t', all, card), { code: 'CALM_HUB_CONFIG' });
  t.throws(() => chosen('hf:datasets/me/t?config=lagre', all, card), { code: 'CALM_HUB_CONFIG' });
  t.deepEqual(chosen('hf:datasets/me/t/small', all, card), ['small/1.jsonl', 'small/2.jsonl']);
});
