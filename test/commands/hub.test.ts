/** Models and texts that lie on the hub, by the commands that take them. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { serveHub } from '../helpers/hub-server.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { writeFolders } from '../helpers/released-model.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const calm = calmInOneProcess(test);

test('a model and its autoencoder are imported from the hub by one command', async (t) => {
  const [folder, hub] = [temporaryFolder(t), await serveHub(t)];
  const { model, autoencoder } = await writeFolders(folder);
  const repository = (directory: string) =>
    Object.fromEntries(
      ['config.json', 'tokenizer.json', 'model.safetensors'].map((name) => [
        name,
        readFileSync(join(directory, name)),
      ]),
    );
  hub.serve({ 'me/calm-m': repository(model), 'me/autoencoder': repository(autoencoder) });
  const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: join(folder, 'cache'), NO_PROXY: '127.0.0.1' };
  const command = ['import', 'hf:me/calm-m', '--autoencoder', 'hf:me/autoencoder', '--json'];
  const { code, stdout, stderr } = await calm(command, folder, env);
  t.is(code, 0, stdout + stderr);
  t.like(JSON.parse(stdout), { run: join(folder, 'runs/calm-m') });
  const missing = await calm(['import', 'hf:me/calm-x', '--json'], folder, env);
  t.is(JSON.parse(missing.stdout).error.code, 'CALM_HUB_NOT_FOUND');
});

test('texts of the hub are a corpus: planned without them, downloaded by a run, and kept', async (t) => {
  const [folder, hub] = [temporaryFolder(t), await serveHub(t)];
  const lines = (name: string) => Array.from({ length: 40 }, (_, i) => `{"text":"${name} ${i}"}`).join('\n');
  hub.serve({ 'datasets/me/texts': { 'train.jsonl': lines('one'), 'test.jsonl': lines('two') } });
  const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: join(folder, 'cache'), NO_PROXY: '127.0.0.1' };
  writeFileSync(
    join(folder, 'calm.yaml'),
    'name: hub\nstages:\n  tokenize:\n    corpus: hf:datasets/me/texts\n    tokenizer: bytes\n',
  );
  const planned = await calm(['run', '--dry-run', '--json'], folder, env);
  t.is(planned.code, 0, planned.stdout);
  t.is(JSON.parse(planned.stdout).stages[0].state, 'out of date');
  t.deepEqual(hub.asked, []);
  const { code, stdout, stderr } = await calm(['run'], folder, env);
  t.is(code, 0, stdout + stderr);
  t.regex(stderr, /the split train is taken; \?split= also has test/);
  const { metrics } = JSON.parse(readFileSync(join(folder, 'runs/hub/tokenize/manifest.json'), 'utf8'));
  t.is(metrics.documents, 40);
  await hub.close();
  const again = await calm(['run'], folder, env);
  t.is(again.code, 0, again.stdout + again.stderr);
  t.regex(again.stderr, /taken as it was when it was downloaded/);
  t.regex(again.stderr + again.stdout, /up to date/);
});
