import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { stringify } from 'yaml';
import { calm, RunningCli } from '../helpers/cli.ts';
import { contentsOf } from '../helpers/run-contents.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { tinyText, writeTinyProject } from '../helpers/tiny.ts';

const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');

/** Waits until something is true of a running command, then sends it a signal; returns when it is over. */
async function signalWhen(cli: RunningCli, isTime: () => boolean, signal: NodeJS.Signals) {
  let isOver = false;
  void cli.result.then(() => {
    isOver = true;
  });
  while (!isOver && !isTime()) await sleep(5);
  cli.process.kill(signal);
  return cli.result;
}

test('tokenize goes on in the middle of a corpus after SIGTERM, counting and encoding, with the same bytes', async (t) => {
  const folder = temporaryFolder(t);
  // Several chunks, on threads, with bad lines in between.
  const text = Array.from({ length: 60 }, (_, i) => tinyText(i, 300)).join(' ');
  const documents = Array.from({ length: 900 }, (_, i) =>
    i % 100 === 7
      ? 'no JSON'
      : JSON.stringify({ text: text.slice((i * 997) % 400_000, ((i * 997) % 400_000) + 20_000) }),
  );
  writeFileSync(join(folder, 'corpus.jsonl'), documents.join('\n'));
  const tokenize = {
    corpus: 'corpus.jsonl',
    tokenizer: 'bpe',
    vocabSize: 600,
    validationFraction: 0.1,
    onBadLine: 'skip',
  };
  const write = (name: string) => {
    writeFileSync(join(folder, `${name}.yaml`), stringify({ name: 'x', output: name, stages: { tokenize } }));
    return ['run', `${name}.yaml`];
  };
  const straight = await calm(write('straight'), folder);
  t.is(straight.code, 0, straight.stderr);
  t.regex(straight.stderr, /9 lines were left out; tokens\/left-out\.jsonl lists them/);
  const listed = lines(join(folder, 'straight/x/tokenize/tokens/left-out.jsonl'));
  t.deepEqual(
    listed.map((line) => (JSON.parse(line) as { line: number }).line),
    Array.from({ length: 9 }, (_, i) => 100 * i + 8),
  );

  const work = join(folder, 'stopped/x/.work/tokenize');
  const counting = await signalWhen(
    new RunningCli(write('stopped'), folder),
    () => existsSync(join(work, 'tokens')),
    'SIGTERM',
  );
  t.is(counting.code, 130, counting.stderr);
  t.true(existsSync(join(work, 'checkpoints/words.json')));
  const shard = join(work, 'tokens/train-00000.bin');
  const encoding = await signalWhen(
    new RunningCli(write('stopped'), folder),
    () => existsSync(shard),
    'SIGTERM',
  );
  t.is(encoding.code, 130, encoding.stderr);
  t.true(existsSync(join(work, 'checkpoints/encoding.json')));
  // What a kill would leave behind the saved state is cut off.
  appendFileSync(shard, 'half a write');
  const again = await calm(write('stopped'), folder);
  t.is(again.code, 0, again.stderr);
  t.regex(again.stderr, /going on after \d+ documents/);
  t.deepEqual(contentsOf(join(folder, 'stopped')), contentsOf(join(folder, 'straight')));
});

test('a bad line is an error with its place, and the same run goes on when such lines are to be left out', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, { tokenize: { corpus: 'x.jsonl' } });
  writeFileSync(
    join(folder, 'x.jsonl'),
    `{"text": "${tinyText(1)}"}\n{"text": 5}\n${`{"text": "${tinyText(2)}"}\n`.repeat(5)}`,
  );
  const run = (...more: string[]) => calm(['run', config, '--until', 'tokenize', ...more], folder);
  const refused = await run();
  t.is(refused.code, 1);
  t.regex(
    refused.stderr,
    /CALM_CORPUS_LINE +.*x\.jsonl:2\n.*no text in a field "text"[\s\S]*onBadLine: skip/,
  );
  t.is((await run('--set', 'tokenize.onBadLine=skip')).code, 0);
  const plan = await calm(['plan', config, '--until', 'tokenize'], folder);
  t.regex(plan.stdout, /tokenize +fresh/, 'what is done with bad lines is not part of the result');
});

test('checkpoints survive a change of the configuration and are gone on with when it comes back; calm gc frees them', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, { 'train-autoencoder': { steps: 400 } });
  const args = (...more: string[]) => [
    'run',
    config,
    '--until',
    'train-autoencoder',
    '--engine',
    'onnx',
    ...more,
  ];
  const work = join(folder, 'runs/tiny/.work');
  const hasSteps = () =>
    existsSync(join(work, 'train-autoencoder/metrics.jsonl')) &&
    lines(join(work, 'train-autoencoder/metrics.jsonl')).length > 3;
  t.is((await signalWhen(new RunningCli(args(), folder), hasSteps, 'SIGINT')).code, 130);
  const other = await calm(args('--set', 'train-autoencoder.steps=10'), folder);
  t.is(other.code, 0, other.stderr);
  t.notRegex(other.stderr, /going on from the checkpoint/);
  const aside = readdirSync(work);
  t.is(aside.length, 1);
  t.regex(aside[0], /^train-autoencoder~[0-9a-f]{8}$/);

  // How often a checkpoint is written is no part of the result.
  const resumed = await calm(args('--set', 'train-autoencoder.checkpointEvery=50'), folder);
  t.is(resumed.code, 0, resumed.stderr);
  t.regex(resumed.stderr, /going on from the checkpoint at step \d+/);
  t.deepEqual(readdirSync(work), []);

  // A stage that is gone, and work that was set aside.
  mkdirSync(join(work, 'train-autoencoder~00000000/checkpoints'), { recursive: true });
  writeFileSync(join(work, 'train-autoencoder~00000000/checkpoints/x'), 'x'.repeat(5000));
  const without = join(folder, 'without.yaml');
  writeFileSync(
    without,
    stringify({
      name: 'tiny',
      stages: { 'train-autoencoder': { patchSize: 2 }, tokenize: { corpus: 'texts/*.txt' } },
    }),
  );
  const shown = await calm(['gc', config], folder);
  t.regex(shown.stdout, /train-autoencoder~00000000 +5\.0 kB +unfinished work of another configuration/);
  t.regex(shown.stdout, /5\.0 kB can be freed/);
  t.is(readdirSync(work).length, 1);
  writeFileSync(without, stringify({ name: 'tiny', stages: { tokenize: { corpus: 'texts/*.txt' } } }));
  const gone = JSON.parse((await calm(['gc', without, '--json'], folder)).stdout) as {
    garbage: { path: string; why: string }[];
  };
  t.deepEqual(
    gone.garbage.map(({ why }) => why),
    [
      'unfinished work of a stage that the configuration does not have',
      'the configuration has no such stage',
    ],
  );
  const freed = await calm(['gc', config, '--free'], folder);
  t.is(freed.code, 0, freed.stderr);
  t.deepEqual(readdirSync(work), []);
  t.true(existsSync(join(folder, 'runs/tiny/train-autoencoder/manifest.json')));
});

test('a bad step stops the run with the state before it and says how to go on', async (t) => {
  const folder = temporaryFolder(t);
  // A learning rate that blows up at once.
  const config = writeTinyProject(folder, {
    'train-autoencoder': { learningRate: 1e30, warmupSteps: 0, maxGradNorm: 1e30, schedule: 'constant' },
  });
  const run = (...more: string[]) =>
    calm(['run', config, '--until', 'train-autoencoder', '--engine', 'onnx', ...more], folder);
  const stopped = await run();
  t.is(stopped.code, 1);
  t.regex(
    stopped.stderr,
    /CALM_BAD_STEP[\s\S]*train-autoencoder stopped at step \d+: the (loss|gradient norm) is[\s\S]*onBadStep=skip/,
  );
  const work = join(folder, 'runs/tiny/.work/train-autoencoder');
  const event = JSON.parse(lines(join(work, 'events.jsonl')).at(-1) as string) as {
    step: number;
    batches: { patches: number[]; documents: number[] }[];
  };
  t.is(event.batches[0].patches.length, 64);
  t.true(event.batches[0].documents.every((document) => document >= 0 && document < 10));
  t.true(existsSync(join(work, `checkpoints/step-${String(event.step - 1).padStart(8, '0')}`)));
  const skipping = await run('--set', 'train-autoencoder.onBadStep=skip');
  t.regex(skipping.stderr, new RegExp(`going on from the checkpoint at step ${event.step - 1}`));
  t.regex(skipping.stderr, /is left out/);
});
