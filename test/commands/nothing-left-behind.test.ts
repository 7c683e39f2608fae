import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { calm } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

test('a run and a sample leave nothing in the home, cache and temporary folders', async (t) => {
  t.timeout(120_000);
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, {}, { engine: 'onnx' });
  const outside = Object.fromEntries(
    ['HOME', 'XDG_CACHE_HOME', 'TMPDIR', 'TMP', 'TEMP'].map((name) => [name, join(folder, 'outside', name)]),
  );
  for (const place of Object.values(outside)) mkdirSync(place, { recursive: true });
  const environment = { ...outside, ORT_DISABLE_TELEMETRY: undefined };
  for (const args of [
    ['run', config, '--until', 'train-lm'],
    ['sample', 'runs/tiny', '--max-tokens', '4'],
    ['doctor'],
  ]) {
    const { code, stderr } = await calm(args, folder, environment);
    t.is(code, 0, stderr);
    const found = Object.values(outside).flatMap((place) =>
      readdirSync(place, { recursive: true }).map(String),
    );
    t.deepEqual(found, [], args.join(' '));
  }
});
