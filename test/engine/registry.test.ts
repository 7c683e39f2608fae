import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { loadEngine } from 'calm-lm/engine';
import {
  ENGINE_CHOICES,
  ENGINE_FLAG,
  ENGINE_NAMES,
  ENGINE_PACKAGES,
  HOW_TO_GET,
} from '../../src/engine/names.ts';
import type { CalmError } from '../../src/errors.ts';
import { ROOT } from '../helpers/cli.ts';

test('errors and the files that users begin with list the registered engines', async (t) => {
  const error = await t.throwsAsync<CalmError>(loadEngine('cuda' as never));
  t.is(error?.code, 'CALM_ENGINE_UNKNOWN');
  for (const name of ENGINE_CHOICES) {
    t.true(ENGINE_FLAG.helpValue.includes(name), name);
    t.true(error?.hint?.includes(name), name);
  }
  for (const file of ['configs/starter.yaml', 'docs/configuration.md'])
    t.true(readFileSync(join(ROOT, file), 'utf8').includes(`# ${ENGINE_CHOICES.join(' | ')}`), file);
});

test('what an engine needs and how to get it is part of the error', async (t) => {
  process.env.CALM_CACHE = join(ROOT, 'no-such-folder');
  const error = await t.throwsAsync<CalmError>(loadEngine('node-gpu'));
  t.is(error?.code, 'CALM_ENGINE_UNAVAILABLE');
  t.true(error?.hint?.includes(ENGINE_PACKAGES['node-gpu']));
  t.true(error?.hint?.includes(HOW_TO_GET['node-gpu']));
  t.is(new Set(ENGINE_NAMES).size, ENGINE_NAMES.length);
});

test('the names of engines are known without a tensor library', async (t) => {
  const loaded = async (file: string) => {
    const { stderr } = await promisify(execFile)(
      process.execPath,
      ['--conditions=calm-source', '--input-type=module', '-e', `await import('./src/engine/${file}')`],
      { cwd: ROOT, env: { ...process.env, NODE_DEBUG: 'module,esm' }, maxBuffer: 2 ** 26 },
    );
    return stderr;
  };
  t.notRegex(await loaded('names.ts'), /tfjs-core|onnxruntime-node\/dist/);
  t.regex(await loaded('index.ts'), /tfjs-core/, 'a module that does load it shows it');
});

test('the packages whose kernels are replaced are pinned to the version that was tried', (t) => {
  const require = createRequire(import.meta.url);
  const { dependencies } = require('../../package.json') as { dependencies: Record<string, string> };
  const lock = require('../../package-lock.json') as { packages: { '': { dependencies: object } } };
  const tensorFlow = Object.entries(dependencies).filter(([name]) => name.startsWith('@tensorflow/'));
  t.is(tensorFlow.length, 4);
  for (const [name, range] of tensorFlow)
    t.is(range, (require(`${name}/package.json`) as { version: string }).version, name);
  t.like(lock.packages[''].dependencies, Object.fromEntries(tensorFlow));
});
