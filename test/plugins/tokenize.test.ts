import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ProgressFile, tokenShards } from 'calm-lm/artifacts';
import { ByteTokenizer, loadTokenizer } from 'calm-lm/data';
import builtin from '#plugins';
import { ALONE } from '../../src/cluster/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const stage = builtin.stages.find(({ name }) => name === 'tokenize') as (typeof builtin.stages)[number];

/** Runs the stage in a folder whose outputs and checkpoints stay from one call to the next. */
async function tokenize(folder: string, given: Record<string, unknown>) {
  const checkpoints = join(folder, 'checkpoints');
  mkdirSync(checkpoints, { recursive: true });
  const [warnings, summaries]: [string[], Record<string, unknown>[]] = [[], []];
  const report = {
    ...{
      progress() {},
      metrics() {},
      event() {},
      note() {},
      text() {},
      headline() {},
      rewind() {},
      sample() {},
      logTo() {},
    },
    warn: (message: string) => warnings.push(message),
    summary: (results: Record<string, unknown>) => summaries.push(results),
  };
  await stage.run({
    config: stage.config.parse({ tokenizer: 'bytes', validationFraction: 0, ...given }),
    inputs: {},
    outputs: { tokens: await tokenShards.create(join(folder, 'tokens')) },
    cluster: ALONE,
    engine: () => Promise.reject(new Error('no engine is needed')),
    ...{ seed: 1, report, checkpoints, signal: new AbortController().signal },
    pause: async () => {},
    resolvePath: (path: string) => resolve(folder, path),
  });
  return { warnings, summary: summaries[0] };
}

async function problemOf(t: ExecutionContext, folder: string, given: Record<string, unknown>) {
  const { code, message, hint } = (await t.throwsAsync(tokenize(folder, given))) as Error & {
    code?: string;
    hint?: string;
  };
  return `${code}: ${message} ${hint}`;
}

test('a corpus without a document is an error, also where bad lines are left out', async (t) => {
  const contents = {
    'bad.jsonl': '{"content": "a"}\n{\n',
    'blank.jsonl': '{"text": " "}\n',
    'empty.txt': '',
  };
  for (const [corpus, text] of Object.entries(contents))
    for (const onBadLine of ['skip', ...(corpus === 'bad.jsonl' ? [] : ['fail'])]) {
      const folder = temporaryFolder(t);
      writeFileSync(join(folder, corpus), text);
      const problem = await problemOf(t, folder, { corpus, onBadLine });
      t.regex(problem, /^CALM_CORPUS_EMPTY/);
      if (corpus === 'bad.jsonl') t.regex(problem, /left out: 2, .*its fields are "content".*textField/);
    }
});

test('what was passed over is said, and lines that were left out are counted', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'texts'));
  writeFileSync(join(folder, 'texts/a.jsonl'), '{"text": "a"}\n{}\n');
  writeFileSync(join(folder, 'texts/b.csv'), 'a,b\n');
  const { warnings, summary } = await tokenize(folder, { corpus: 'texts', onBadLine: 'skip' });
  t.regex(warnings[0], /passed over.* b\.csv has no column "text"/);
  t.like(summary, { documents: 1, leftOutLines: 1 });
  t.regex(stage.isStale?.(stage.config.parse({ corpus: 'texts' }), summary) ?? '', /1 line was left out/);
});

test('a run that left lines out is not resumed where such lines are refused', async (t) => {
  const folder = temporaryFolder(t);
  const corpus = 'a.jsonl';
  writeFileSync(join(folder, corpus), '{"text": "a"}\n{}\n{"text": "b"}\n');
  await tokenize(folder, { corpus, onBadLine: 'skip' });
  const shard = join(folder, 'tokens/train-00000.bin');
  const whole = readFileSync(shard);
  // The state that a run would have saved behind the bad line.
  const nothing = { tokens: 0, documents: 0, documentTokens: 0, textBytes: 0 };
  const train = { ...nothing, tokens: 2, documents: 1, documentTokens: 2, textBytes: 1 };
  const leftOut = readFileSync(join(folder, 'tokens/left-out.jsonl'));
  await new ProgressFile(join(folder, 'checkpoints'), 'encoding').save({
    place: { file: 0, offset: 17, isInside: false },
    ...{ numLines: 2, numDocuments: 1, hasText: false, numEmpty: 0 },
    writer: { splits: { train, validation: nothing }, leftOut: { lines: 1, bytes: leftOut.length } },
  });
  t.regex(await problemOf(t, folder, { corpus }), /^CALM_CORPUS_LINE/);
  await tokenize(folder, { corpus, onBadLine: 'skip' });
  t.deepEqual(readFileSync(shard), whole);
  t.true(existsSync(join(folder, 'tokens/left-out.jsonl')));
});

test('documents get what their tokenizer puts around a text, unless that is left out', async (t) => {
  const folder = temporaryFolder(t);
  const json = JSON.parse(new ByteTokenizer().toJson());
  const marks = ['<s>', '</s>', '[PAD]'].map((content, i) => ({
    ...json.added_tokens[0],
    id: 256 + i,
    content,
  }));
  const piece = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const sequence = (id: string) => ({ Sequence: { id, type_id: 0 } });
  const around = (single: object[]) => ({
    type: 'TemplateProcessing',
    single,
    pair: [sequence('A'), sequence('B')],
    special_tokens: Object.fromEntries(
      marks.map(({ id, content }) => [content, { id: content, ids: [id], tokens: [content] }]),
    ),
  });
  const write = (single: object[]) =>
    writeFileSync(
      join(folder, 'tokenizer.json'),
      JSON.stringify({ ...json, added_tokens: marks, post_processor: around(single) }),
    );
  writeFileSync(join(folder, 'a.jsonl'), '{"text": "ab"}\n{"text": "</s>c"}\n');
  const idsOf = async (given: object = {}) => {
    await tokenize(folder, { corpus: 'a.jsonl', tokenizer: 'tokenizer.json', ...given });
    const shards = await tokenShards.open(join(folder, 'tokens'));
    const train = shards.split('train');
    const ids = Array.from(train.read(0, train.length));
    shards.close();
    return ids;
  };
  write([piece('<s>'), sequence('A')]);
  t.deepEqual(await idsOf(), [256, 97, 98, 257, 256, 257, 99, 257]);
  t.deepEqual(await idsOf({ endDocuments: false }), [256, 97, 98, 256, 257, 99]);
  t.deepEqual((await loadTokenizer(join(folder, 'tokens'))).beginning, [256]);
  t.deepEqual(await idsOf({ addSpecialTokens: false }), [97, 98, 257, 257, 99, 257]);
  t.deepEqual((await loadTokenizer(join(folder, 'tokens'))).beginning, []);
  // Its own end-of-text is not doubled.
  write([sequence('A'), piece('</s>')]);
  t.deepEqual(await idsOf(), [97, 98, 257, 257, 99, 257]);
  t.deepEqual(await idsOf({ endDocuments: false }), [97, 98, 257, 257, 99, 257]);
});
