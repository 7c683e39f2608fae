import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse, stringify } from 'yaml';
import { complete, serveCompletions } from '../helpers/completions-server.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES, tinyText } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

/** A run of a discrete Transformer that takes seconds. */
function writeBaseline(folder: string): string {
  mkdirSync(join(folder, 'texts'));
  for (let i = 0; i < 10; i++) writeFileSync(join(folder, 'texts', `${i}.txt`), tinyText(i));
  const stages = {
    tokenize: TINY_STAGES.tokenize,
    'train-lm': {
      model: 'transformer',
      hiddenSize: 16,
      intermediateSize: 24,
      numHiddenLayers: 1,
      numAttentionHeads: 2,
      initializerRange: 0.1,
      tokensPerSequence: 32,
      sequencesPerStep: 4,
      steps: 60,
      warmupSteps: 5,
      learningRate: 0.01,
      logEvery: 20,
      evaluateEvery: 20,
      checkpointEvery: 20,
      evaluateSequences: 4,
      evaluateBrier: true,
    },
    evaluate: {
      measures: ['perplexity', 'brierlm', 'sampled', 'baselines'],
      numSequences: 8,
      tokensPerSequence: 32,
    },
    sample: { prompt: 'the ', maxTokens: 8, numSamples: 2, temperature: 0.8, topK: 10, topP: 0.9 },
  };
  writeFileSync(join(folder, 'base.yaml'), stringify({ name: 'base', seed: 3, engine: 'onnx', stages }));
  return 'base.yaml';
}

test(
  'a discrete Transformer: trained, evaluated, sampled from, by the pipeline and by its ' + 'commands',
  async (t) => {
    const folder = temporaryFolder(t);
    const run = await calm(['run', writeBaseline(folder), '--json'], folder);
    t.is(run.code, 0, run.stderr);
    const { stages } = JSON.parse(run.stdout) as { stages: { metrics: Record<string, never> }[] };
    const found = stages[2].metrics as unknown as {
      perplexity: { crossEntropy: number; perplexity: number; bitsPerByte: number };
      brierlm: { brier: number[] };
    };
    t.true(found.perplexity.crossEntropy < Math.log(258), 'better than guessing');
    t.true(Math.abs(found.perplexity.perplexity - Math.exp(found.perplexity.crossEntropy)) < 1e-9);
    // One byte a token.
    t.true(Math.abs(found.perplexity.bitsPerByte - found.perplexity.crossEntropy / Math.LN2) < 0.01);
    t.true(found.brierlm.brier[0] > 0);

    const brier = JSON.parse(
      (await calm(['eval', 'brierlm', 'runs/base', '--num-samples', '4', '--json'], folder)).stdout,
    );
    t.like(brier, { numSamples: 4, numWindows: 8 * 28 });
    t.like(
      JSON.parse((await calm(['eval', 'brierlm', 'runs/base', '--from-samples', '--json'], folder)).stdout),
      { numSamples: 2 },
    );
    t.is(
      JSON.parse((await calm(['eval', 'perplexity', 'runs/base', '--json'], folder)).stdout).crossEntropy,
      found.perplexity.crossEntropy,
    );
    const saved = await calm(['eval', 'perplexity', 'runs/base', '--checkpoint', '40', '--json'], folder);
    t.true(
      JSON.parse(saved.stdout).crossEntropy > found.perplexity.crossEntropy,
      'earlier weights are worse',
    );
    for (const stage of ['train', 'evaluate', 'sample'])
      t.regex(
        (await calm([`${stage}-baseline`, 'base.yaml'], folder)).stderr,
        /CALM_COMMAND_UNKNOWN[\s\S]*→ Write `(train-lm|evaluate|sample)`/,
      );
    // A LlamaForCausalLM, which is imported to the same numbers.
    const exported = await calm(['export', 'runs/base', '--to', 'out', '--json'], folder);
    t.is(exported.code, 0, exported.stdout + exported.stderr);
    const config = JSON.parse(readFileSync(join(folder, 'out/config.json'), 'utf8'));
    t.like(config, { model_type: 'llama', eos_token_id: 256, pad_token_id: 257, vocab_size: 258 });
    const imported = await calm(['import', 'out', '--name', 'again', '--json'], folder);
    t.is(imported.code, 0, imported.stdout + imported.stderr);
    const sizes = ['numSequences=8', 'tokensPerSequence=32'].flatMap((size) => ['--set', `evaluate.${size}`]);
    const text = ['--corpus', 'texts/3.txt', '--json', ...sizes];
    const crossEntropy = async (subject: string) =>
      JSON.parse((await calm(['eval', 'perplexity', subject, ...text], folder)).stdout).crossEntropy;
    const own = await crossEntropy('runs/base');
    t.is(typeof own, 'number');
    t.deepEqual([await crossEntropy('runs/again'), await crossEntropy('out')], [own, own]);
    const temperatures = JSON.parse(
      (await calm(['eval', 'temperature', 'runs/base', '--temperatures', '1,0.5', '--json'], folder)).stdout,
    ) as {
      accuracy: number;
      collision: number;
    }[];
    t.is(temperatures.length, 2);
    t.true(temperatures[1].collision > temperatures[0].collision, 'colder texts agree more often');
    const sample = () =>
      calm(
        [
          'sample',
          'runs/base',
          '--prompt',
          'peace ',
          '--max-tokens',
          '5',
          '--num-samples',
          '1',
          '--seed',
          '4',
        ],
        folder,
      );
    const [first, second] = [await sample(), await sample()];
    t.regex(first.stdout, /^peace /);
    t.is(first.stdout, second.stdout);
    const refused = await calm(['sample', 'runs/base', '--sampler', 'exact'], folder);
    t.regex(refused.stderr, /CALM_SAMPLING_OPTION[\s\S]*sampler is for a CALM[\s\S]*topK and topP/);

    writeFileSync(join(folder, 'prompts.jsonl'), '{"prompt":"peace "}\n{"prompt":"the people"}\n');
    const answers = ['sample', 'runs/base', '--prompts', 'prompts.jsonl', '--results', 'answers.jsonl'];
    t.is((await calm([...answers, '--seed', '4'], folder)).code, 0);
    const lines = readFileSync(join(folder, 'answers.jsonl'), 'utf8').trim().split('\n');
    t.is(lines.length, 2);
    const { calm: settings, samples } = JSON.parse(lines[0]) as {
      calm: Record<string, unknown>;
      samples: { tokens: number }[];
    };
    t.like(settings, { seed: 4, temperature: 0.8, topK: 10, topP: 0.9 });
    t.false('numCandidates' in settings);
    t.is(samples.length, 2);
    t.regex((await calm(['cost', 'base.yaml', '--parts'], folder)).stdout, /language-model head +4\.13k/);
  },
);

test('where a run has several models, the way out that is named leads out', async (t) => {
  const folder = temporaryFolder(t);
  writeBaseline(folder);
  const { tokenize, 'train-lm': train } = parse(readFileSync(join(folder, 'base.yaml'), 'utf8')).stages;
  const short = { ...train, uses: 'train-lm', steps: 3, warmupSteps: 1, evaluateBrier: false };
  const evaluate = { uses: 'evaluate', measures: ['perplexity'], tokensPerSequence: 32 };
  const runs = {
    two: { tokenize, first: short, second: { ...short, learningRate: 0.02 } },
    // Models of another run are no stages of this one.
    folders: {
      tokenize,
      'of-first': { ...evaluate, inputs: { model: './runs/two/first/model' } },
      'of-second': { ...evaluate, inputs: { model: './runs/two/second/model' } },
    },
  };
  for (const [name, stages] of Object.entries(runs)) {
    writeFileSync(join(folder, `${name}.yaml`), stringify({ name, engine: 'onnx', stages }));
    const run = await calm(['run', `${name}.yaml`], folder);
    t.is(run.code, 0, run.stderr);
    for (const command of [['sample'], ['export', '--to', `of-${name}`]]) {
      const { stdout } = await calm([...command, `runs/${name}`, '--json'], folder);
      const { code, hint } = JSON.parse(stdout).error as { code: string; hint: string };
      t.is(code, 'CALM_INPUT_AMBIGUOUS');
      const [, variant] = /--variant (\S+)$/.exec(hint) ?? [];
      const again = await calm([...command, `runs/${name}`, '--variant', variant], folder);
      t.is(again.code, 0, again.stderr);
    }
  }
});

test('a model behind a completions API is scored on the held-out text', async (t) => {
  const folder = temporaryFolder(t);
  writeBaseline(folder);
  t.is((await calm(['run', 'base.yaml', '--until', 'tokenize'], folder)).code, 0);
  // Whatever the prompt is, it goes on with "the people".
  const { endpoint } = await serveCompletions(t, (_, response) =>
    complete(response, ['the people', 'the people']),
  );
  const run = await calm(
    [
      'eval',
      'brierlm',
      'runs/base',
      '--endpoint',
      endpoint,
      '--model',
      'parrot',
      '--num-windows',
      '12',
      '--concurrency',
      '2',
      '--json',
    ],
    folder,
  );
  t.is(run.code, 0, run.stderr);
  const { brier, numWindows } = JSON.parse(run.stdout) as { brier: number[]; numWindows: number };
  t.true(numWindows > 0);
  // Samples that are always equal: Brier-n = 2·1{x = y} − 1.
  for (const factor of brier)
    t.true(
      factor >= -1 && factor <= 1 && Number.isInteger(Math.round((factor + 1) * numWindows * 1e6) / 2e6),
    );
  const nowhere = await calm(
    ['eval', 'brierlm', 'runs/base', '--endpoint', 'http://127.0.0.1:1', '--num-windows', '2'],
    folder,
  );
  t.is(nowhere.code, 1);
  t.regex(nowhere.stderr, /CALM_ENDPOINT_UNREACHABLE[\s\S]*127\.0\.0\.1:1/);
});
