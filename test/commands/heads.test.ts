import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse, stringify } from 'yaml';
import { ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

const QUICK = { steps: 6, warmupSteps: 1, checkpointEvery: 3 };

/** A head that a third party registers: the flow head under another name. */
const THIRD_PARTY = `import { flowHead } from 'calm-lm/models';
import { headEntry, registerHead } from 'calm-lm/models/config';
import { definePlugin } from 'calm-lm/plugin';
const entry = { ...headEntry('flow'), name: 'current', summary: 'Flow by another name.', load: async () => flowHead };
registerHead(entry);
export default definePlugin({ name: 'current', stages: [] });
`;

for (const head of ['diffusion', 'flow', 'current']) {
  test(`a model with the head "${head}" is trained, evaluated and sampled from; its kind is kept`, async (t) => {
    const folder = temporaryFolder(t);
    const config = writeTinyProject(
      folder,
      {
        'train-lm': { ...QUICK, head },
        evaluate: { headSampling: { steps: 3 } },
        sample: { headSampling: { steps: 3 } },
      },
      head === 'current' ? { plugins: ['./head.mjs'] } : {},
    );
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
    writeFileSync(join(folder, 'head.mjs'), THIRD_PARTY);
    const run = await calm(['run', config, '--engine', 'onnx', '--json'], folder);
    t.is(run.code, 0, run.stderr);
    t.is(
      JSON.parse(readFileSync(join(folder, 'runs/tiny/train-lm/model/config.json'), 'utf8')).model_type,
      head,
    );
    const { stages } = JSON.parse(run.stdout) as {
      stages: { name: string; metrics: Record<string, Record<string, number>> }[];
    };
    const metrics = Object.fromEntries(stages.map(({ name, metrics: found }) => [name, found]));
    t.is(typeof metrics['train-lm'].validationLoss, 'number');
    for (const value of [metrics.evaluate.energy.loss, metrics.evaluate.brierlm.brierLM])
      t.true(Number.isFinite(value));
    const euler = await calm(
      [
        'eval',
        'brierlm',
        'runs/tiny',
        '--set',
        'evaluate.headSampling.method=euler',
        '--num-samples',
        '4',
        '--json',
      ],
      folder,
    );
    if (head === 'diffusion') t.regex(euler.stdout, /CALM_HEAD_OPTION/);
    else t.like(JSON.parse(euler.stdout), { numSamples: 4 });
  });
}

for (const inputMode of ['continuous', 'both']) {
  test(`a model that reads "${inputMode}" is trained and evaluated`, async (t) => {
    const folder = temporaryFolder(t);
    const config = writeTinyProject(folder, { 'train-lm': { ...QUICK, inputMode } });
    const run = await calm(['run', config, '--engine', 'onnx', '--until', 'evaluate', '--json'], folder);
    t.is(run.code, 0, run.stderr);
    const index = readFileSync(join(folder, 'runs/tiny/train-lm/model/model.safetensors'))
      .subarray(8, 20000)
      .toString('latin1');
    t.true(index.includes('latent_proj.0.weight'));
    t.is(index.includes('transformer.embed_tokens.weight'), inputMode === 'both');
  });
}

test('the exact sampler from the command line: draws are counted, exhaustion is said', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, { 'train-lm': QUICK });
  t.is((await calm(['run', config, '--until', 'train-lm', '--engine', 'onnx'], folder)).code, 0);
  const sample = (...args: string[]) =>
    calm(
      [
        'sample',
        'runs/tiny',
        '--engine',
        'onnx',
        '--sampler',
        'exact',
        '--max-tokens',
        '6',
        '--num-samples',
        '1',
        ...args,
      ],
      folder,
    );
  const warm = JSON.parse((await sample('--temperature', '0.9', '--json')).stdout) as {
    draws: number;
    fallbacks: number;
  };
  t.true(warm.draws >= 3);
  const cold = await sample('--temperature', '0.05', '--draw-budget', '10', '--json');
  t.regex(cold.stderr, /3 of 3 patches took more than 10 draws .* not exact/);
  t.like(JSON.parse(cold.stdout), { draws: 30, fallbacks: 3 });
});

test('an autoencoder of another run that does not fit is a clear error', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, { 'train-lm': QUICK });
  t.is((await calm(['run', config, '--until', 'encode-corpus', '--engine', 'onnx'], folder)).code, 0);
  const other = writeTinyProject(folder, { 'train-autoencoder': { patchSize: 4 } }, { name: 'other' });
  t.is((await calm(['run', other, '--until', 'train-autoencoder', '--engine', 'onnx'], folder)).code, 0);
  const mixed = parse(readFileSync(config, 'utf8'));
  mixed.name = 'mixed';
  mixed.stages = {
    tokenize: mixed.stages.tokenize,
    'train-lm': {
      ...mixed.stages['train-lm'],
      inputs: {
        autoencoder: './runs/other/train-autoencoder/autoencoder',
        latents: './runs/tiny/encode-corpus/latents',
      },
    },
  };
  writeFileSync(join(folder, 'mixed.yaml'), stringify(mixed));
  writeTinyProject(folder);
  const run = await calm(['run', 'mixed.yaml', '--engine', 'onnx'], folder);
  t.is(run.code, 1);
  t.regex(
    run.stderr,
    /CALM_MODEL_MISMATCH[\s\S]*patchSize of the latents and the autoencoder: expected 4, found 2/,
  );
});
