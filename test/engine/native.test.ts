import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { disposeTree, engineVersion, loadEngine, nvidiaRequirements, type Tensor, tf } from 'calm-lm/engine';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const calm = calmInOneProcess(test);

test('the CUDA libraries are those that the wheel names', (t) => {
  const metadata =
    'Requires-Dist: numpy>=1.26.0\nRequires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == ' +
    '"and-cuda"\nRequires-Dist: nvidia-nccl-cu12<3.0,>=2.27.7; extra == "and-cuda"\n';
  t.deepEqual(nvidiaRequirements(metadata), [
    'nvidia-cublas-cu12<13.0,>=12.5.3.2',
    'nvidia-nccl-cu12<3.0,>=2.27.7',
  ]);
});

test('an install says what it lacks, and leaves nothing whole behind', async (t) => {
  const folder = temporaryFolder(t);
  // A PATH without g++, python3 and tar.
  const { code, stderr } = await calm(['engine', 'install', 'cpu'], folder, {
    CALM_CACHE: folder,
    PATH: folder,
  });
  t.is(code, 1);
  t.regex(stderr, process.platform === 'linux' ? /needs g\+\+[\s\S]*apt install/ : /needs Linux/);
  const { stdout } = await calm(['engine', 'list', '--json'], folder, { CALM_CACHE: folder });
  const { engines } = JSON.parse(stdout) as { engines: { name: string; version?: string }[] };
  t.is(engines.find(({ name }) => name === 'node')?.version, undefined);
});

test('an engine whose folder is there but broken is an error that says how to get it', async (t) => {
  const folder = temporaryFolder(t);
  const removed = await calm(['engine', 'remove', 'cpu'], folder, { CALM_CACHE: folder });
  t.is(removed.code, 0);
  t.regex(removed.stdout, /no engine "node"/);
  const config = join(folder, 'c.yaml');
  writeFileSync(config, 'stages:\n  tokenize: { corpus: "*.txt" }\n  train-autoencoder: { steps: 1 }\n');
  writeFileSync(join(folder, 'a.txt'), 'some text '.repeat(200));
  const { code, stderr } = await calm(['run', config, '--engine', 'node'], folder, { CALM_CACHE: folder });
  t.is(code, 1);
  t.regex(stderr, /CALM_ENGINE_UNAVAILABLE[\s\S]*calm engine install cpu/);
});

// Runs where `calm engine install cpu` was run; its numbers are checked by test/golden-node.test.ts.
(engineVersion('node') ? test.serial : test.serial.skip)(
  'a TensorFlow step gives what the eager one gives, again and again',
  async (t) => {
    const engine = await loadEngine('node');
    const step = ({ x }: { x: Tensor }) => ({
      y: tf.sum(tf.softmax(tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D, false, true)), 0),
      twice: x,
      again: x,
    });
    const compiled = engine.compile(step);
    const x = tf.randomNormal([5, 5]);
    const eager = await tf.tidy(() => step({ x }).y).data();
    disposeTree(await compiled({ x }));
    const before = engine.memory().numTensors;
    for (let i = 0; i < 50; i++) {
      const found = await compiled({ x });
      t.true((await found.y.data<'float32'>()).every((value, at) => Math.abs(value - eager[at]) < 1e-5));
      disposeTree(found);
    }
    t.is(engine.memory().numTensors, before);
  },
);
