/** The code of a plugin's head, optimiser, measure or format is part of the results that come of it. */

import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { calm, ROOT } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const NO_STAGES = "export default { name: 'mine', apiVersion: 1, stages: [] };\n";
const headOf = (name: string) => `import { headEntry, registerHead } from 'calm-lm/models/config';
registerHead({ ...headEntry('flow'), name: '${name}' });
`;
const CODE = {
  head: headOf('mine'),
  unused: headOf('other'),
  optimizer: `import { optimizerEntry, registerOptimizer } from 'calm-lm/training/optimizers';
registerOptimizer({ ...optimizerEntry('adamw'), name: 'mine' });
`,
  measure: `import { registerMeasure } from 'calm-lm/evaluation/measures';
const load = async () => async () => ({ mine: 1 });
registerMeasure({ name: 'mine', summary: '', needs: [], options: {}, values: [], load });
`,
  format: `import { registerCorpusFormat } from 'calm-lm/data';
registerCorpusFormat({ name: 'mine', summary: '', recognises: () => false, async *read() {} });
`,
};
type Part = keyof typeof CODE;
const PARTS = Object.keys(CODE) as Part[];

/** A project whose stages use what its modules register. */
function project(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  const changes = {
    'train-autoencoder': { optimizer: 'mine' },
    'train-lm': { head: 'mine' },
    evaluate: { measures: ['mine'] },
  };
  writeTinyProject(folder, changes, { plugins: PARTS.map((part) => `./${part}.mjs`) });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
  for (const part of PARTS) writeFileSync(join(folder, `${part}.mjs`), `${CODE[part]}${NO_STAGES}`);
  return folder;
}

interface PlannedStage {
  readonly name: string;
  readonly fingerprint: string;
  readonly reasons: readonly string[];
}

async function planned(t: ExecutionContext, folder: string, ...args: string[]): Promise<PlannedStage[]> {
  const { code, stdout, stderr } = await calm(['plan', '--json', ...args], folder);
  t.is(code, 0, stderr);
  return JSON.parse(stdout).stages;
}

/** Changes the code of one part after the other, and says each time which stages' results change. */
async function changing(t: ExecutionContext, folder: string, ...args: string[]) {
  let before = await planned(t, folder, 'tiny.yaml', ...args);
  return async (part: Part): Promise<string[]> => {
    appendFileSync(join(folder, `${part}.mjs`), '// changed\n');
    const after = await planned(t, folder, 'tiny.yaml', ...args);
    const changed = after.filter(({ fingerprint }, i) => fingerprint !== before[i].fingerprint);
    before = after;
    return changed.map(({ name }) => name);
  };
}

test('whatever uses a part changes with its code, and what comes of that; nothing else does', async (t) => {
  const folder = project(t);
  const ofModel = ['train-lm', 'evaluate', 'sample'];
  const ofAutoencoder = ['train-autoencoder', 'encode-corpus', ...ofModel];
  const changedWith = await changing(t, folder);
  t.deepEqual(await changedWith('head'), ofModel);
  t.deepEqual(await changedWith('optimizer'), ofAutoencoder);
  t.deepEqual(await changedWith('measure'), ['evaluate']);
  t.deepEqual(await changedWith('format'), ['tokenize', ...ofAutoencoder]);
  t.deepEqual(await changedWith('unused'), []);
  const corpus = 'tokenize.corpus=[{files: texts/*.txt, format: text}]';
  const without = await changing(t, folder, '--set', corpus, '--set', 'evaluate.measures=[brierlm]');
  t.deepEqual(await without('format'), [], 'no format is asked whose a file is');
  t.deepEqual(await without('measure'), []);
});

test('the plan says that it is the code of a plugin', async (t) => {
  const folder = project(t);
  const run = await calm(['run', 'tiny.yaml', '--until', 'tokenize'], folder);
  t.is(run.code, 0, run.stderr);
  t.deepEqual((await planned(t, folder, 'tiny.yaml'))[0].reasons, []);
  appendFileSync(join(folder, 'format.mjs'), '// changed\n');
  const [{ reasons }] = await planned(t, folder, 'tiny.yaml');
  t.deepEqual(reasons, ['the code of a plugin that it uses changed']);
});

test('what an installed package registers by its hook changes with its code too', async (t) => {
  const folder = project(t);
  const installed = join(folder, 'node_modules/calm-plugin-mine');
  mkdirSync(installed);
  const oclif = { hooks: { 'calm:stages': './hook.js' } };
  writeFileSync(
    join(installed, 'package.json'),
    JSON.stringify({ name: 'calm-plugin-mine', version: '1.0.0', type: 'module', oclif }),
  );
  writeFileSync(join(installed, 'hook.js'), `${headOf('hooked')}export default async () => [];\n`);
  writeFileSync(
    join(folder, 'package.json'),
    '{ "name": "project", "type": "module", "dependencies": { "calm-plugin-mine": "*" } }',
  );
  const hooked = ['--set', 'train-lm.head=hooked'];
  const before = await planned(t, folder, 'tiny.yaml', ...hooked);
  appendFileSync(join(installed, 'hook.js'), '// changed\n');
  const after = await planned(t, folder, 'tiny.yaml', ...hooked);
  const changed = after.filter(({ fingerprint }, i) => fingerprint !== before[i].fingerprint);
  t.deepEqual(
    changed.map(({ name }) => name),
    ['train-lm', 'evaluate', 'sample'],
  );
});
