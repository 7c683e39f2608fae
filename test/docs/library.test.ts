/** Every example of docs/library.md, as a program of its own beside a run called quickstart. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { ROOT } from '../helpers/cli.ts';
import { makeLibraryRuns } from '../helpers/library-runs.ts';

const PAGE = readFileSync(join(ROOT, 'docs/library.md'), 'utf8');
const blocks = [...PAGE.matchAll(/```(js|cjs)\n([\s\S]*?)```/g)].map(([, kind, code]) => ({ kind, code }));
const folder = mkdtempSync(join(tmpdir(), 'calm-test-'));

test.before('a run is made', async (t) => {
  t.timeout(240_000);
  await makeLibraryRuns(folder);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
});
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** What a part of the page's examples must print. */
const EXPECTED: readonly (readonly [part: string, output: RegExp])[] = [
  ["model.generate('My fellow', { temperature", /./],
  ["model.generate('The people'", /./],
  ['step.value.end', /^(stop|end of text|length)\n\d+ /],
  ['Promise.all', /^\[ /],
  ['writeLatents(', /^25 tokens, 13 vectors of 16\nthe people of this nation\n$/],
  ['Math.random', /./],
  ['model.score(', /^[\d.]+ \[ [\d.]+, [\d.]+ \]/],
  ['error.code', /^CALM_MODEL_MISSING There is no run and no model folder at /],
  ["require('calm-lm')", /./],
];

test('each example is known here', (t) => {
  t.deepEqual(
    blocks.map(({ code }) => EXPECTED.filter(([part]) => code.includes(part)).length),
    blocks.map(() => 1),
  );
  t.is(blocks.length, EXPECTED.length);
});

for (const [i, { kind, code }] of blocks.entries()) {
  const [part, output] = EXPECTED.find(([known]) => code.includes(known)) ?? ['?', /^$/];
  test(`the example with ${part} runs`, async (t) => {
    const file = join(folder, `example-${i}.${kind === 'cjs' ? 'cjs' : 'mjs'}`);
    writeFileSync(file, code);
    const { NODE_OPTIONS: _, ...env } = process.env;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder, env });
    t.regex(stdout, output);
    t.is(stderr, '');
  });
}
