import test from 'ava';
import stringWidth from 'string-width';
import type { PlannedStage } from '../../src/pipeline/index.ts';
import { type EndedStage, formatAnswer } from '../../src/reporting/terminal/answer.ts';
import { formatEvaluation } from '../../src/reporting/terminal/evaluation.ts';
import { measuredIn, measureTable, verdictLine } from '../../src/reporting/terminal/measures.ts';
import { formatSweep } from '../../src/reporting/terminal/sweep.ts';
import { formatTable } from '../../src/reporting/terminal/table.ts';
import { textLines } from '../../src/reporting/terminal/texts.ts';
import { columnsOf, wrap, wrapCommand } from '../../src/reporting/terminal/width.ts';
import type { Labels } from '../../src/runs/index.ts';

const widest = (text: string) => Math.max(...text.split('\n').map((line) => stringWidth(line)));

test('a terminal of 0 columns is taken for 80, and a pipe has no end', (t) => {
  t.is(columnsOf({ isTTY: true, columns: 0 }), 80);
  t.is(columnsOf({ isTTY: true, columns: 52 }), 52);
  t.is(columnsOf({ isTTY: false, columns: 52 } as never), Number.POSITIVE_INFINITY);
});

test('text is broken between words, paths stay whole, and a command can be pasted', (t) => {
  t.is(wrap('→ ', 'one two three', 9), '→ one two\n  three');
  t.is(wrap('', 'a /long/path/that/is/copied b', 8), 'a\n/long/path/that/is/copied\nb');
  t.is(wrap('→ ', 'one two three', Number.POSITIVE_INFINITY), '→ one two three');
  t.is(wrapCommand('$ ', 'calm run a.yaml --set x=1', 20), '$ calm run a.yaml \\\n  --set x=1');
});

const HEAD = ['stage', 'state', 'why'];
const ROWS = [
  ['tokenize', 'up to date', ''],
  [
    'train-autoencoder',
    'out of date',
    'the configuration changed: steps 1000 → 2000, learningRate 0.1 → 0.2',
  ],
];

test('a table breaks its wide cells, and becomes a list where that does not help', (t) => {
  for (const columns of [10, 24, 40, 56, 60, 80, 120, 200])
    t.true(widest(formatTable(HEAD, ROWS, columns)) <= Math.max(columns, 18), String(columns));
  t.regex(formatTable(HEAD, ROWS, 200), /^stage +state +why\n─+ {2}─+ {2}─+\ntokenize +up to date\n/);
  t.regex(
    formatTable(HEAD, ROWS, 60),
    /train-autoencoder {2}out of date {2}the configuration changed:\n {32}steps/,
  );
  t.regex(formatTable(HEAD, ROWS, 40), /^tokenize\n {2}state {2}up to date\ntrain-autoencoder\n {2}state/);
  t.is(formatTable(['a', 'b'], [['x', '']], 80), 'a\n─\nx', 'a column without any cell is left out');
  t.is(
    formatTable(['字', 'b'], [['漢字', 'x']], 80),
    '字    b\n────  ─\n漢字  x',
    'wide letters count twice',
  );
});

const LABELS: Labels = {
  'a.good': {
    label: 'good',
    better: 'higher',
    isShare: true,
    isHeadline: true,
    references: [{ label: 'paper', value: 0.9, advice: 'be better' }],
  },
  'a.bad': {
    label: 'bad',
    better: 'lower',
    isHeadline: true,
    references: [
      { label: 'guess', value: 'a.guess', advice: 'train it longer' },
      { label: 'absent', value: 'a.absent' },
    ],
  },
  'a.unclear': { label: 'unclear', better: 'higher', references: [{ label: 'guess', value: 'a.guess' }] },
  'a.guess': { label: 'guess' },
  'a.broken': { label: 'broken', better: 'lower', references: [{ label: 'guess', value: 'a.guess' }] },
};
const METRICS = {
  a: { good: 0.95, bad: 3, guess: 2, unclear: 2.5, broken: null, interval: { unclear: [1.5, 3] } },
};

test('a measure says whether it is better than its references, in its direction and with its interval', (t) => {
  const measures = measuredIn(LABELS, METRICS);
  t.is(
    measureTable(measures, 200),
    [
      '  measure    value (95 % interval)  compared with',
      '✔ good ↑     95.00 %                paper 90.00 %',
      '✖ bad ↓      3                      guess 2',
      '≈ unclear ↑  2.500 (1.500 … 3)      guess 2',
      '  guess      2',
      '✖ broken ↓   NaN                    guess 2',
    ].join('\n'),
  );
  t.is(verdictLine(measures, 200), '  → bad: train it longer');
  const only = (...names: string[]) => measuredIn(LABELS, METRICS, ({ label }) => names.includes(label));
  t.is(verdictLine(only('good'), 200), '  Good: better than everything it is compared with.');
  t.is(verdictLine(only('unclear'), 200), '  → unclear: not clearly better; evaluate on more text');
  t.is(verdictLine(only('guess'), 200), undefined);
  t.is(measureTable([], 200), '');
});

test('a value that misses its reference by less than is shown does not read like it', (t) => {
  const [measure] = measuredIn(LABELS, { a: { good: 0.89999999 } });
  t.regex(measureTable([measure], 200), /✖ good ↑ +89\.99 % +paper 90\.00 %/);
});

/** A stage of a run that has ended. */
function ended(id: string, metrics: Record<string, unknown>, more: Partial<EndedStage['result']> = {}) {
  const node = { id, config: { prompt: 'I', seed: '' }, stage: { labels: () => LABELS } };
  return {
    planned: { node } as unknown as PlannedStage,
    result: { name: id, state: 'done', seconds: 2, metrics, ...more },
    manifest: { outputs: { out: { kind: 'language-model', formatVersion: 1 } } },
  } as unknown as EndedStage;
}

const options = { folder: 'runs/x', next: ['calm report runs/x', 'calm ls'], columns: 80 };

test('a run that did nothing says so in one line, and gives the same answer', (t) => {
  const done = formatAnswer([ended('one', METRICS), ended('two', {})], options);
  const again = formatAnswer(
    [ended('one', METRICS, { state: 'up to date' }), ended('two', {}, { state: 'up to date' })],
    options,
  );
  t.is(done.split('\n')[0], '✔ runs/x: 2 stages in 4.0 s; language model');
  t.is(again.split('\n')[0], '✔ runs/x: up to date, nothing to do; language model');
  t.is(again.slice(again.indexOf('\n')), done.slice(done.indexOf('\n')));
  t.regex(done, /\nNext: calm report runs\/x\n {6}calm ls$/);
  t.true(done.split('\n').length <= 10);
  for (const columns of [40, 60, 80, 140])
    t.true(widest(formatAnswer([ended('one', METRICS)], { ...options, columns })) <= columns);
});

test('what stages say without labels is shown too', (t) => {
  const stage = ended('one', { hits: 3 });
  const bare = { ...stage, planned: { node: { ...stage.planned.node, stage: {} } } } as unknown as EndedStage;
  t.regex(formatAnswer([bare], options), /\n {2}hits +3\n/);
  const said = { ...bare, manifest: { ...bare.manifest, headline: { 'hit rate': 0.5 } } } as EndedStage;
  t.regex(formatAnswer([said], options), /\n {2}hit rate +0\.5000\n/);
});

test('a sweep is a table of what differs; it says what is best and what is the same', (t) => {
  const cells = ['8', '9'].flatMap((size) =>
    ['a', 'b'].map((head) => ({
      labels: { 'train.size': size, 'train.head': head, seed: '1' },
      ids: { train: `train@${size}-${head}` },
    })),
  );
  const stages = cells.map(({ labels, ids }, i) =>
    ended(ids.train, { a: { good: 0.5, bad: i, guess: Number(labels['train.size']) } }),
  );
  const shown = formatSweep(cells, stages, options);
  t.is(
    shown,
    [
      '✔ runs/x: 4 runs, 4 stages in 8.0 s',
      '',
      'size  head  bad ↓',
      '────  ────  ─────',
      '8     a     0',
      '8     b     1',
      '9     a     2',
      '9     b     3',
      '',
      'best bad: 0 with size 8, head a',
      'the same in all: good 50.00 %',
      '',
      'Next: calm report runs/x',
      '      calm ls',
    ].join('\n'),
  );
  t.true(widest(formatSweep(cells, stages, { ...options, columns: 40 })) <= 40);
});

test('lists of results: two settings go down and across, a table for each value', (t) => {
  const labels: Labels = {
    'list.temperature': { label: 'temperature', isSetting: true },
    'list.numCandidates': { label: 'N', isSetting: true },
    'list.accuracy': { label: 'accuracy', better: 'higher', isShare: true },
  };
  const entry = (temperature: number, numCandidates: number, accuracy: number) => ({
    temperature,
    numCandidates,
    accuracy,
    numWindows: 3,
  });
  t.is(
    formatEvaluation(labels, { list: [entry(1, 1, 0.25), entry(0.5, 10, 0.5), entry(0.5, 200, 0.75)] }, 80),
    [
      'accuracy',
      'temperature  N = 1    N = 10   N = 200',
      '───────────  ───────  ───────  ───────',
      '1            25.00 %  –        –',
      '0.5          –        50.00 %  75.00 %',
    ].join('\n'),
  );
  const one = { list: [entry(1, 8, 0.25), entry(1 / 3, 8, 0.5)] };
  t.is(
    formatEvaluation(labels, one, 80),
    'temperature  N  accuracy\n───────────  ─  ────────\n1            8  25.00 %\n0.3333       8  50.00 %',
  );
  t.is(formatEvaluation(labels, {}, 80), '');
});

test('texts: no more than a few lines each, and no control character', (t) => {
  const texts = [{ text: 'one\n\ntwo\u001b[31m' }, { text: 'x '.repeat(400) }, { text: 'c' }, { text: 'd' }];
  const shown = textLines(
    'samples',
    [
      ['prompt', 'I '],
      ['seed', undefined],
    ],
    texts,
    40,
  );
  const lines = shown.split('\n');
  t.is(lines[0], 'samples (prompt "I ")');
  t.is(lines[1], '  1 one two\uFFFD[31m');
  t.is(lines.length, 1 + 1 + 4 + 1 + 1);
  t.true(lines[5].endsWith('…'));
  t.is(lines.at(-1), '  and 1 more');
  t.true(widest(shown) <= 40);
});
