import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CalmError } from 'calm-lm/errors';
import { readPrompts } from '../../plugins/sample/prompts.ts';
import { ResultsFile, type Settings } from '../../plugins/sample/results.ts';
import { settingsOf } from '../../plugins/sample/settings.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const SETTINGS: Settings = { model: 'abc', seed: 1, temperature: 0.5, maxTokens: 8 };

/** What the error of this work says; '' where there is none. */
function problemOf(work: () => unknown): string {
  try {
    work();
    return '';
  } catch (error) {
    if (error instanceof CalmError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

function promptsOf(t: ExecutionContext, contents: string | Uint8Array) {
  const file = join(temporaryFolder(t), 'p.jsonl');
  writeFileSync(file, contents);
  return problemOf(() => readPrompts(file)).replace(file, 'FILE');
}

test('prompts are read with a byte-order mark, carriage returns and empty lines, each as it stands', (t) => {
  const file = join(temporaryFolder(t), 'p.jsonl');
  const lines = ['{"id":12345678901234567890, "price":1.10 , "prompt":"a"}', '{"prompt":"b\\u2028","x":{}}'];
  writeFileSync(file, `\uFEFF\r\n${lines.join('\r\n\r\n')}\r\n`);
  const read = readPrompts(file);
  t.deepEqual(
    read.map(({ text }) => text),
    lines,
  );
  t.deepEqual(
    read.map(({ prompt }) => prompt),
    ['a', 'b\u2028'],
  );
});

test('a prompt that can’t be used is named with its line and what is wrong with it', (t) => {
  const good = '{"prompt":"a"}\n';
  t.regex(promptsOf(t, `${good}{"prompt":`), /^CALM_PROMPTS: Line 2 of FILE is not valid JSON/);
  t.is(promptsOf(t, `${good}\n["a"]`), 'CALM_PROMPTS: Line 3 of FILE is not a JSON object.');
  t.is(
    promptsOf(t, '{"text":"a","id":1}'),
    'CALM_PROMPTS: Line 1 of FILE has no text in a field "prompt"; its fields: text, id.',
  );
  t.regex(promptsOf(t, '{"prompt":5}'), /has no text in a field "prompt"/);
  t.regex(promptsOf(t, `${good}{"prompt":"b","samples":1}`), /^CALM_PROMPTS_FIELD: Line 2 .*"samples"/);
  t.regex(promptsOf(t, '{"calm":1,"prompt":"b"}'), /^CALM_PROMPTS_FIELD: Line 1 .*"calm"/);
  const latin = Buffer.concat([Buffer.from(good), Buffer.from('{"prompt":"caf\u00e9"}\n', 'latin1')]);
  t.is(promptsOf(t, latin), 'CALM_PROMPTS: Line 2 of FILE is not UTF-8.');
  t.regex(promptsOf(t, Buffer.from(`\uFEFF${good}`, 'utf16le')), /Line 1 of FILE is not UTF-8 but UTF-16/);
  t.is(promptsOf(t, ' \n\n'), 'CALM_PROMPTS: FILE has no prompt.');
  t.regex(
    problemOf(() => readPrompts('/nowhere.jsonl')),
    /^CALM_FILE_MISSING: \S*nowhere.jsonl \(prompts\)/,
  );
  t.regex(
    problemOf(() => readPrompts(temporaryFolder(t))),
    /is not a regular file/,
  );
});

/** A prompts file of so many lines, and its results file. */
function begun(
  t: ExecutionContext,
  texts = ['{"id":1.10,"prompt":"a"}', '{"prompt":"b"}', '{"prompt":"c"}'],
) {
  const folder = temporaryFolder(t);
  const [file, path] = [join(folder, 'p.jsonl'), join(folder, 'r.jsonl')];
  writeFileSync(file, texts.join('\n'));
  const lines = readPrompts(file);
  const check = (settings = SETTINGS, results = path) =>
    ResultsFile.check(results, { file, lines }, settings);
  const finish = async () => {
    const results = check();
    await results.begin();
    for (const line of lines.slice(results.numAnswered)) await results.append(line, [{ text: line.prompt }]);
    return readFileSync(path, 'utf8');
  };
  return { folder, file, path, lines, check, finish };
}

test('a result is the prompt’s own line to the byte, with settings and samples after it', async (t) => {
  const { finish } = begun(t);
  const [first] = (await finish()).split('\n');
  t.is(first, `{"id":1.10,"prompt":"a","calm":${JSON.stringify(SETTINGS)},"samples":[{"text":"a"}]}`);
});

test('results that were cut anywhere are resumed to the same bytes', async (t) => {
  const { path, finish } = begun(t, ['{"prompt":"caf\u00e9 \u65e5"}', '{"prompt":"\u{1F600}"}']);
  const whole = await finish();
  const bytes = Buffer.from(whole);
  for (let length = 0; length <= bytes.length; length++) {
    writeFileSync(path, bytes.subarray(0, length));
    t.is(await finish(), whole, `cut to ${length} bytes`);
  }
});

test('a file that is not of these results is refused and left as it is', (t) => {
  const { path, check } = begun(t);
  const head = `{"id":1.10,"prompt":"a","calm":${JSON.stringify(SETTINGS)},"samples":`;
  const others = {
    'my notes, one line, no newline': /^CALM_RESULTS: Line 1 .* was not written by this command/,
    '# Notes\nlast line without newline': /Line 1 .* was not written/,
    '{"prompt":"a"}': /Line 1 .* was not written/,
    '{"id":1.10,"prompt":"a","samples":[]}\n': /Line 1 .* was not written/,
    '\n': /Line 1 .* was not written/,
    [`${head}[]}\nmine`]: /Line 2 .* was not written/,
    [`${head}[\n`]: /Line 1 .* was not written/,
    [`${head}[]}\n${head}[]}\n`]: /Line 2 .* does not answer prompt 2/,
    [`${head}[]}\n${head}[`]: /Line 2 .* does not answer prompt 2/,
  };
  for (const [contents, problem] of Object.entries(others)) {
    writeFileSync(path, contents);
    t.regex(
      problemOf(() => check()),
      problem,
      contents,
    );
    t.is(readFileSync(path, 'utf8'), contents);
  }
});

test('other settings are refused with their difference, also in a line that was cut', async (t) => {
  const { path, check, finish } = begun(t);
  const whole = await finish();
  const other = { ...SETTINGS, temperature: 1, 'headSampling.steps': 5 };
  const expected = /^CALM_RESULTS_SETTINGS: Line 1 .*: temperature 0.5 → 1, headSampling.steps absent → 5\.$/;
  t.regex(
    problemOf(() => check(other)),
    expected,
  );
  writeFileSync(path, whole.slice(0, whole.indexOf('[') + 3));
  t.regex(
    problemOf(() => check(other)),
    expected,
  );
});

test('prompts may follow, but not change', async (t) => {
  const { path, file, check, finish } = begun(t);
  const whole = await finish();
  const more = begun(t, [...readPrompts(file).map(({ text }) => text), '{"prompt":"d"}']);
  writeFileSync(more.path, whole);
  t.is(more.check().numAnswered, 3);
  t.true((await more.finish()).startsWith(whole));
  const fewer = begun(t, ['{"id":1.10,"prompt":"a"}', '{"prompt":"B"}', '{"prompt":"c"}']);
  writeFileSync(fewer.path, whole);
  t.regex(
    problemOf(() => fewer.check()),
    /Line 2 .* does not answer prompt 2/,
  );
  t.true(existsSync(path) && check().numAnswered === 3);
});

test('results are never the prompts, by any link, and lie in a folder that is there', (t) => {
  const { folder, file, check } = begun(t);
  const before = readFileSync(file, 'utf8');
  const [soft, hard] = [join(folder, 'soft.jsonl'), join(folder, 'hard.jsonl')];
  symlinkSync(file, soft);
  linkSync(file, hard);
  for (const results of [file, soft, hard])
    t.regex(
      problemOf(() => check(SETTINGS, results)),
      /is the prompts file itself/,
    );
  t.is(readFileSync(file, 'utf8'), before);
  t.regex(
    problemOf(() => check(SETTINGS, join(folder, 'no/r.jsonl'))),
    /^CALM_RESULTS: The folder \S+ in which/,
  );
  t.regex(
    problemOf(() => check(SETTINGS, folder)),
    /is not a regular file/,
  );
});

test('settings tell models apart by what they hold', async (t) => {
  const folder = temporaryFolder(t);
  const model = async (name: string, last: number) => {
    const directory = join(folder, name);
    mkdirSync(directory);
    writeFileSync(join(directory, 'config.json'), '{}');
    writeFileSync(join(directory, 'model.safetensors'), new Uint8Array(2 ** 21).fill(last, 2 ** 20));
    const config = { temperature: 0.5, maxTokens: 8, numSamples: 1, sampler: 'batch' } as never;
    return settingsOf(config, 7, directory);
  };
  const [first, same, other] = [await model('a', 1), await model('b', 1), await model('c', 2)];
  t.deepEqual(first, same);
  t.not(first.model, other.model);
  t.like(first, { seed: 7, temperature: 0.5, maxTokens: 8, numSamples: 1, sampler: 'batch' });
});
