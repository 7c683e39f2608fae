/**
 * self-test.js FOLDER PACKAGE: does the TensorFlow in a folder calculate? Ends with 0, or says on stderr what
 * is wrong.
 */

import { valueAndGradients } from '../gradients.ts';
import { tensorFlowRuntime } from '../tensorflow/runtime.ts';
import { tf } from '../tensors.ts';
import { graphCompiler } from '../trace/compiler.ts';
import { loadNative } from './load.ts';

const TOLERANCE = 1e-5;

const [folder, packageName] = process.argv.slice(2);
await tf.setBackend(loadNative(folder, packageName));
if (tf.getBackend() !== 'tensorflow') throw new Error(`TensorFlow.js fell back to ${tf.getBackend()}`);

/** Σ softmax(x W) ⊙ softmax(x W) and its gradient: products, reductions, elementwise operations. */
const step = ({ x, w }: { x: tf.Tensor; w: tf.Tensor }) => {
  const loss = () => ({ loss: tf.sum(tf.square(tf.softmax(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D)))) });
  const { outputs, gradients } = valueAndGradients(loss, { w });
  return { loss: outputs.loss, gradient: gradients.w };
};

const numbers = (rows: number, columns: number) =>
  tf.tensor2d(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(1 + i)),
    [rows, columns],
  );
const inputs = { x: numbers(3, 4), w: numbers(4, 5) };
const [loss, gradient] = expected();
const eager = tf.tidy(() => step(inputs));
const compiled = await graphCompiler(tensorFlowRuntime())(step)(inputs);
for (const [how, found] of Object.entries({ eager, compiled })) {
  compare(`${how} loss`, [loss], await found.loss.data<'float32'>());
  compare(`${how} gradient`, gradient, await found.gradient.data<'float32'>());
}

function compare(what: string, wanted: readonly number[], found: Float32Array): void {
  wanted.forEach((value, i) => {
    if (!(Math.abs(found[i] - value) <= TOLERANCE))
      throw new Error(`${what}: expected ${value}, found ${found[i]}`);
  });
}

/** The same in plain JavaScript, the gradient by central differences in double precision. */
function expected(): [number, number[]] {
  const x = inputs.x.arraySync() as number[][];
  const w = inputs.w.dataSync();
  const value = (weights: ArrayLike<number>) =>
    x.reduce((sum, row) => {
      const logits = Array.from({ length: 5 }, (_, j) =>
        row.reduce((total, each, k) => total + each * weights[k * 5 + j], 0),
      );
      const exponentials = logits.map(Math.exp);
      const total = exponentials.reduce((a, b) => a + b);
      return sum + exponentials.reduce((squares, each) => squares + (each / total) ** 2, 0);
    }, 0);
  const slope = (i: number) => {
    const moved = (by: number) => value(Array.from(w, (each, j) => (i === j ? each + by : each)));
    return (moved(1e-5) - moved(-1e-5)) / 2e-5;
  };
  return [value(w), Array.from(w, (_, i) => slope(i))];
}
