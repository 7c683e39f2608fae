import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { defineEngine, registerEngine } from 'calm-lm/engine/registry';
import type { CalmError } from '../../src/errors.ts';
import { ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

const FIXTURE = join(ROOT, 'test/fixtures/calm-plugin-traced');

test('a third-party engine trains, is in the manifest, and is listed in errors', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
  cpSync(FIXTURE, join(folder, 'node_modules/calm-plugin-traced'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "type": "module" }');
  const config = writeTinyProject(folder, {}, { plugins: ['calm-plugin-traced'], engine: 'traced' });
  const run = await calm(['run', config, '--until', 'train-autoencoder'], folder);
  t.is(run.code, 0, run.stderr);
  const graphs = readFileSync(join(folder, 'graphs.jsonl'), 'utf8').trim().split('\n');
  t.true(graphs.every((line) => (JSON.parse(line) as { nodes: number }).nodes > 0));
  const manifest = readFileSync(join(folder, 'runs/tiny/train-autoencoder/manifest.json'), 'utf8');
  t.like(JSON.parse(manifest).versions, { engine: 'traced', 'calm-plugin-traced': '1.0.0' });
  const unknown = await calm(['plan', config, '--engine', 'trased'], folder);
  t.regex(unknown.stderr, /CALM_ENGINE_UNKNOWN[\s\S]*Did you mean "traced"\? Available: .*traced/);
});

test('a name is registered once; the same entry may come again', (t) => {
  const entry = (name: string) =>
    defineEngine({
      name,
      packageName: 'x',
      howToGet: 'npm install x',
      version: () => undefined,
      load: async () => ({ backend: 'cpu' }),
    });
  const own = entry('own');
  registerEngine(own);
  registerEngine(own);
  for (const name of ['own', 'onnx', 'auto'])
    t.is((t.throws(() => registerEngine(entry(name))) as CalmError).code, 'CALM_ENGINE_DUPLICATE');
});

test('the page on engines has the package that is tested', (t) => {
  const page = readFileSync(join(ROOT, 'docs/extending/engines.md'), 'utf8');
  t.is(/```js\n([\s\S]*?)```/.exec(page)?.[1], readFileSync(join(FIXTURE, 'index.js'), 'utf8'));
});
