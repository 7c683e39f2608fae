import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import { RunningCli } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { contentsOf } from '../helpers/run-contents.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES, tinyText, writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');

test(
  'tokenize goes on in the middle of a corpus after SIGTERM, counting and encoding, with the ' + 'same bytes',
  async (t) => {
    const folder = temporaryFolder(t);
    // Several chunks, on threads, with bad lines in between.
    const text = Array.from({ length: 60 }, (_, i) => tinyText(i, 300)).join(' ');
    const documents = Array.from({ length: 450 }, (_, i) =>
      i % 50 === 7
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
      writeFileSync(
        join(folder, `${name}.yaml`),
        stringify({ name: 'x', output: name, stages: { tokenize } }),
      );
      return ['run', `${name}.yaml`];
    };
    const straight = await calm(write('straight'), folder);
    t.is(straight.code, 0, straight.stderr);
    t.regex(straight.stderr, /9 lines were left out; tokens\/left-out\.jsonl lists them/);
    const listed = lines(join(folder, 'straight/x/tokenize/tokens/left-out.jsonl'));
    t.deepEqual(
      listed.map((line) => (JSON.parse(line) as { line: number }).line),
      Array.from({ length: 9 }, (_, i) => 50 * i + 8),
    );

    const work = join(folder, 'stopped/x/.work/tokenize');
    const counting = await new RunningCli(write('stopped'), folder).signalWhen(
      () => existsSync(join(work, 'tokens')),
      'SIGTERM',
    );
    t.is(counting.code, 128 + 15, counting.stderr);
    t.true(existsSync(join(work, 'checkpoints/words.json')));
    const shard = join(work, 'tokens/train-00000.bin');
    const encoding = await new RunningCli(write('stopped'), folder).signalWhen(
      () => existsSync(shard),
      'SIGTERM',
    );
    t.is(encoding.code, 128 + 15, encoding.stderr);
    t.true(existsSync(join(work, 'checkpoints/encoding.json')));
    // What a kill would leave behind the saved state is cut off.
    appendFileSync(shard, 'half a write');
    const again = await calm(write('stopped'), folder);
    t.is(again.code, 0, again.stderr);
    t.regex(again.stderr, /resuming after \d+ documents/);
    t.deepEqual(contentsOf(join(folder, 'stopped')), contentsOf(join(folder, 'straight')));
  },
);

test(
  'a bad line is an error with its place, and the same run resumes when such lines are to be ' + 'left out',
  async (t) => {
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
    const plan = (...more: string[]) => calm(['plan', config, '--until', 'tokenize', ...more], folder);
    t.regex((await plan('--set', 'tokenize.onBadLine=skip')).stdout, /tokenize +up to date/);
    t.regex((await plan()).stdout, /tokenize +out of date +onBadLine is fail, and 1 line was left out/);
    const failed = await run();
    t.is(failed.code, 1, 'a line that was left out is not passed over in silence later');
    t.regex(failed.stderr, /CALM_CORPUS_LINE +.*x\.jsonl:2\n/);
    // Where no line was left out, what would be done with one is no part of the result.
    writeFileSync(join(folder, 'x.jsonl'), `{"text": "${tinyText(2)}"}\n`.repeat(5));
    t.is((await run()).code, 0);
    t.regex((await plan('--set', 'tokenize.onBadLine=skip')).stdout, /tokenize +up to date/);
  },
);

test(
  'checkpoints survive a change of the configuration and are gone on with when it comes back; calm ' +
    'gc frees them',
  async (t) => {
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
    t.is((await new RunningCli(args(), folder).signalWhen(hasSteps, 'SIGINT')).code, 130);
    const other = await calm(args('--set', 'train-autoencoder.steps=10'), folder);
    t.is(other.code, 0, other.stderr);
    t.notRegex(other.stderr, /resuming from the checkpoint/);
    const aside = readdirSync(work);
    t.is(aside.length, 1);
    t.regex(aside[0], /^train-autoencoder~[0-9a-f]{8}$/);

    // How often a checkpoint is written is no part of the result.
    const resumed = await calm(args('--set', 'train-autoencoder.checkpointEvery=50'), folder);
    t.is(resumed.code, 0, resumed.stderr);
    t.regex(resumed.stderr, /resuming from the checkpoint at step \d+/);
    t.deepEqual(readdirSync(work), []);

    // Work that was set aside.
    mkdirSync(join(work, 'train-autoencoder~00000000/checkpoints'), { recursive: true });
    writeFileSync(join(work, 'train-autoencoder~00000000/checkpoints/x'), 'x'.repeat(5000));
    const shown = await calm(['gc', config], folder);
    t.regex(
      shown.stdout,
      /train-autoencoder~00000000 +5\.0 kB +unfinished +unfinished work of another configuration/,
    );
    t.regex(
      shown.stdout,
      /\.kept\/train-autoencoder~\w+ .* kept +a result of train-autoencoder with steps 10/,
    );
    t.regex(shown.stdout, /train-autoencoder\/checkpoints .* to train train-autoencoder on/);
    t.is(readdirSync(work).length, 1, 'showing removes nothing');

    const kept = join(folder, 'runs/tiny/.kept');
    const checkpoints = join(folder, 'runs/tiny/train-autoencoder/checkpoints');
    const free = async (...more: string[]) => {
      const freed = await calm(['gc', config, '--free', '--json', ...more], folder);
      t.is(freed.code, 0, freed.stderr);
      return (JSON.parse(freed.stdout) as { garbage: { kind: string }[] }).garbage.map(({ kind }) => kind);
    };
    t.deepEqual(await free('--no-kept'), ['unfinished']);
    t.deepEqual(readdirSync(work), []);
    t.is(
      readdirSync(kept).length,
      1,
      'a finished result of another configuration stays where it is asked for',
    );
    t.deepEqual(await free(), ['kept']);
    t.deepEqual(readdirSync(kept), []);
    t.true(existsSync(checkpoints));
    t.deepEqual(await free('--checkpoints'), ['checkpoints']);
    t.false(existsSync(checkpoints));
    t.true(existsSync(join(folder, 'runs/tiny/train-autoencoder/manifest.json')));
    t.is((await calm(['verify', config], folder)).code, 0);
    t.regex((await calm(['plan', ...args().slice(1)], folder)).stdout, /train-autoencoder +up to date/);
  },
);

test('calm gc tells what a changed configuration does not have any more, once it was run', async (t) => {
  const folder = temporaryFolder(t);
  const config = writeTinyProject(folder, { 'train-autoencoder': { steps: 4, warmupSteps: 1 } });
  t.is((await calm(['run', config, '--until', 'train-autoencoder'], folder)).code, 0);
  const without = join(folder, 'without.yaml');
  const stages = { tokenize: TINY_STAGES.tokenize };
  writeFileSync(without, stringify({ name: 'tiny', seed: 3, stages }));
  t.is((await calm(['run', without], folder)).code, 0);
  const { garbage } = JSON.parse((await calm(['gc', without, '--json'], folder)).stdout) as {
    garbage: { path: string; why: string }[];
  };
  t.deepEqual(
    garbage.map(({ path, why }) => [path, why]),
    [[join(realpathSync(folder), 'runs/tiny/train-autoencoder'), 'the configuration has no such stage']],
  );
});

test('a bad step stops the run with the state before it and says how to resume', async (t) => {
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
  t.regex(skipping.stderr, new RegExp(`resuming from the checkpoint at step ${event.step - 1}`));
  t.regex(skipping.stderr, /is left out/);
});
