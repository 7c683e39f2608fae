import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import test from 'ava';
import type { AnyStage } from 'calm-lm/plugin';
import builtin from '#plugins';
import { temporaryFolder } from '../helpers/temporary.ts';

function stageNamed(name: string): AnyStage {
  const stage = builtin.stages.find((candidate) => candidate.name === name);
  if (!stage) throw new Error(`no stage is called ${name}`);
  return stage;
}

/** What a stage with this configuration reads, as 'role path', relative to the folder. */
async function sourcesOf(name: string, folder: string, given: Record<string, unknown>): Promise<string[]> {
  const { config, sources } = stageNamed(name);
  const files = await sources?.(config.parse(given), (path) => resolve(folder, path));
  return (files ?? []).map(({ path, role }) => `${role}: ${relative(folder, path)}`);
}

function write(folder: string, ...files: string[]): void {
  for (const file of files) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), file);
  }
}

test('tokenize reads its tokenizer, then the corpus in order, each file as what it is', async (t) => {
  const folder = temporaryFolder(t);
  write(folder, 'b.txt', 'a.txt', 'c.txt', 'own/tokenizer.json');
  writeFileSync(join(folder, 'd.jsonl'), '{"body": "x"}\n');
  const corpus = [
    { files: ['b.txt', 'a.txt'], documents: 'line' },
    { files: 'c.txt' },
    { files: 'd.jsonl', textField: 'body' },
  ];
  const expected = ['line: b.txt', 'line: a.txt', 'file: c.txt', 'json-line body: d.jsonl'];
  t.deepEqual(await sourcesOf('tokenize', folder, { corpus }), expected);
  t.deepEqual(await sourcesOf('tokenize', folder, { corpus, tokenizer: 'own' }), [
    'tokenizer: own/tokenizer.json',
    ...expected,
  ]);
  const gone = await t.throwsAsync(sourcesOf('tokenize', folder, { corpus, tokenizer: 'gone.json' }));
  t.regex(gone?.message ?? '', /gone\.json \(tokenizer\) does not exist/);
});

test(
  'an import reads configurations, weights and the tokenizer, and no other file of the ' + 'folders',
  async (t) => {
    const folder = temporaryFolder(t);
    write(folder, 'lm/config.json', 'lm/README.md', 'lm/one.bin', 'lm/two.bin', 'lm/tokenizer.json');
    const map = { weight_map: { a: 'one.bin', b: 'two.bin', c: 'one.bin' } };
    writeFileSync(join(folder, 'lm/pytorch_model.bin.index.json'), JSON.stringify(map));
    write(folder, 'blobs/weights', 'blobs/config');
    mkdirSync(join(folder, 'ae'));
    symlinkSync('../blobs/weights', join(folder, 'ae/model.safetensors'));
    symlinkSync('../blobs/config', join(folder, 'ae/config.json'));
    const autoencoder = ['config: ae/config.json', 'weights: ae/model.safetensors'];
    const [path, tokenizer] = ['ae', 'lm/tokenizer.json'];
    t.deepEqual(await sourcesOf('import-lm', folder, { path: 'lm', autoencoder: 'ae' }), [
      'config: lm/config.json',
      'weights: lm/pytorch_model.bin.index.json',
      'weights: lm/one.bin',
      'weights: lm/two.bin',
      ...autoencoder,
      'tokenizer: lm/tokenizer.json',
    ]);
    t.deepEqual(await sourcesOf('import-autoencoder', folder, { path, tokenizer }), [
      ...autoencoder,
      'tokenizer: lm/tokenizer.json',
    ]);
    t.deepEqual(await sourcesOf('import-autoencoder', folder, { path: 'nowhere' }), []);
  },
);

test('a corpus of which lines were left out does not serve a configuration that refuses such lines', (t) => {
  const { config, isStale } = stageNamed('tokenize');
  const why = (onBadLine: string, metrics: Record<string, unknown>) =>
    isStale?.(config.parse({ corpus: 'x', onBadLine }), metrics);
  t.is(why('fail', { leftOutLines: 3 }), 'onBadLine is fail, and 3 lines were left out');
  t.is(why('fail', { leftOutLines: 1 }), 'onBadLine is fail, and 1 line was left out');
  t.is(why('skip', { leftOutLines: 3 }), undefined);
  t.is(why('fail', { documents: 3 }), undefined);
});
