import test from 'ava';
import { disposeTree, engineVersion, loadEngine, nvidiaRequirements, type Tensor, tf } from 'calm-lm/engine';

test('the CUDA libraries are those that the wheel names', (t) => {
  const metadata =
    'Requires-Dist: numpy>=1.26.0\nRequires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == ' +
    '"and-cuda"\nRequires-Dist: nvidia-nccl-cu12<3.0,>=2.27.7; extra == "and-cuda"\n';
  t.deepEqual(nvidiaRequirements(metadata), [
    'nvidia-cublas-cu12<13.0,>=12.5.3.2',
    'nvidia-nccl-cu12<3.0,>=2.27.7',
  ]);
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
