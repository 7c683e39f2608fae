/** Questions as they come, and what answers are worth. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { answerIn, majorityOf, normalized, passAtK } from '../../src/evaluation/tasks/answers.ts';
import { readQuestions } from '../../src/evaluation/tasks/questions.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const lines = (...records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

test('files of GSM8K and HellaSwag are read as they come', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'test.jsonl');
  writeFileSync(
    file,
    lines({
      question: 'Janet sells 9 eggs for $2 each. How much?',
      answer: 'She makes 9 * 2 = $<<9*2=18>>18 every day.\n#### 1,018',
    }),
  );
  const gsm8k = readQuestions(file);
  t.is(gsm8k.format, 'gsm8k');
  t.deepEqual(gsm8k.questions, [
    {
      kind: 'written',
      prompt: 'Question: Janet sells 9 eggs for $2 each. How much?\nAnswer:',
      answers: ['1,018'],
      completion: ' She makes 9 * 2 = $<<9*2=18>>18 every day.\n#### 1,018',
    },
  ]);
  const { pattern, normalize } = gsm8k.defaults;
  const alike = (text: string) => normalized(answerIn(text, pattern) ?? '', normalize);
  t.is(alike(' 9 * 113 = 1017 and 1 is 1018.\n#### 1018.'), alike('#### 1,018'));
  t.not(alike('#### 1019'), alike('#### 1,018'));
  t.is(answerIn('no number', pattern), undefined);

  writeFileSync(
    file,
    lines({
      ind: 24,
      activity_label: 'Roof shingle removal',
      ctx_a: 'A man is sitting on a roof.',
      ctx_b: 'he',
      ctx: 'A man is sitting on a roof. he [title] stops',
      endings: ['is using wrap.', 'is [step] ripping  tiles.', 'holds a cube.', 'starts pulling.'],
      label: 3,
    }),
  );
  const { format, questions } = readQuestions(file);
  t.is(format, 'hellaswag');
  t.deepEqual(questions, [
    {
      kind: 'choice',
      prompt: 'Roof shingle removal: A man is sitting on a roof. he.  stops'.replace('  ', ' '),
      choices: [' is using wrap.', ' is ripping tiles.', ' holds a cube.', ' starts pulling.'],
      right: 3,
    },
  ]);
});

test('our own questions have a prompt or messages, and an answer, several, or choices', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'own.jsonl');
  const messages = [{ role: 'user', content: '1+1?' }];
  writeFileSync(
    file,
    `\uFEFF${lines(
      { prompt: '1+2=', completion: '3' },
      { prompt: '1+2=', answer: ['3', 'three'] },
      { messages, answer: 2 },
      { prompt: 'a', choices: ['b', 'c'], answer: 1 },
      { prompt: 'a', choices: ['b', 'c'], answer: 'b' },
    )}\n`,
  );
  t.deepEqual(readQuestions(file).questions, [
    { kind: 'written', prompt: '1+2=', answers: ['3'], completion: '3' },
    { kind: 'written', prompt: '1+2=', answers: ['3', 'three'], completion: '3' },
    { kind: 'written', prompt: messages, answers: ['2'], completion: '2' },
    { kind: 'choice', prompt: 'a', choices: ['b', 'c'], right: 1 },
    { kind: 'choice', prompt: 'a', choices: ['b', 'c'], right: 0 },
  ]);
  const bad: readonly [string, RegExp][] = [
    ['{"prompt": "a"}', /line 1 has no text in "answer"/],
    ['{"prompt": "a", "choices": ["b"], "answer": 1}', /line 1 has no "answer" that is one of its choices/],
    ['{"text": "a"}', /none of the fields of a task; its fields are text/],
    ['{"prompt": "a", "answer": "b"}\n{', /line 2 is not valid JSON/],
    ['[1]', /line 1 is not a JSON object/],
    ['\n', /has no question/],
    [JSON.stringify({ ctx: 'a', endings: ['b'], label: '' }), /no "label"/],
  ];
  for (const [text, message] of bad) {
    writeFileSync(file, text);
    t.throws(() => readQuestions(file), { code: 'CALM_TASK', message }, text);
  }
  t.throws(() => readQuestions(join(folder, 'none.jsonl')), { message: /none\.jsonl/ });
});

test('answers are alike without case, spaces, marks and quotes; numbers by their value', (t) => {
  t.is(normalized('  "The  Cat".\n', 'text'), 'the cat');
  t.is(normalized('The Cat', 'none'), 'The Cat');
  t.deepEqual(
    ['$1,234.50', '007', '-3', '50%', 'none', ''].map((text) => normalized(text, 'number')),
    ['1234.5', '7', '-3', '50', 'none', ''],
  );
  t.is(answerIn('so it is (B), no (C)', '\\(([A-D])\\)'), 'B');
  t.is(answerIn('12 or 13', '[0-9]+'), '12');
});

test('the majority is the commonest answer, the first of several; pass@k has no bias', (t) => {
  t.is(majorityOf(['a', 'b', 'b', undefined, undefined, undefined]), 'b');
  t.is(majorityOf(['c', 'a', 'a', 'c']), 'c');
  t.is(majorityOf([undefined]), undefined);
  // Against counting all sets of k samples.
  for (const [n, c] of [
    [5, 2],
    [4, 0],
    [4, 4],
    [6, 1],
  ] as const)
    for (let k = 1; k <= n; k++) {
      let [all, found] = [0, 0];
      for (let set = 0; set < 2 ** n; set++) {
        const members = Array.from({ length: n }, (_, i) => i).filter((i) => (set >> i) & 1);
        if (members.length !== k) continue;
        all++;
        if (members.some((i) => i < c)) found++;
      }
      t.true(Math.abs(passAtK(n, c, k) - found / all) < 1e-12, `${n} ${c} ${k}`);
    }
});
