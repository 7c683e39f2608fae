/** What a self-test calculates: a step whose values and gradients are known. */

import { elementAt } from '../../elements.ts';
import { valueAndGradients } from '../gradients.ts';
import type { CompiledStep } from '../step.ts';
import { tf } from '../tensors.ts';

const TOLERANCE = 1e-5;

type Inputs = { readonly x: tf.Tensor; readonly w: tf.Tensor };
type Outputs = { readonly loss: tf.Tensor; readonly gradient: tf.Tensor };

/** Σ softmax(x W) ⊙ softmax(x W) and its gradient: products, reductions, elementwise operations. */
export function knownStep({ x, w }: Inputs): Outputs {
  const loss = () => ({ loss: tf.sum(tf.square(tf.softmax(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D)))) });
  const { outputs, gradients } = valueAndGradients(loss, { w });
  return { loss: outputs.loss, gradient: gradients.w };
}

/** Throws where the step gives other numbers. @param how it is run, for the error */
export async function checkNumbers(how: string, step: CompiledStep<Inputs, Outputs>): Promise<void> {
  const numbers = (rows: number, columns: number) =>
    tf.tensor2d(
      Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(1 + i)),
      [rows, columns],
    );
  const inputs = { x: numbers(3, 4), w: numbers(4, 5) };
  const [loss, gradient] = expected(inputs);
  const found = await step(inputs);
  compare(`${how} loss`, [loss], await found.loss.data<'float32'>());
  compare(`${how} gradient`, gradient, await found.gradient.data<'float32'>());
}

function compare(what: string, wanted: readonly number[], found: Float32Array): void {
  wanted.forEach((value, i) => {
    const number = found[i] ?? Number.NaN;
    if (!(Math.abs(number - value) <= TOLERANCE))
      throw new Error(`${what}: expected ${value}, found ${number}`);
  });
}

/** The same in plain JavaScript, the gradient by central differences in double precision. */
function expected(inputs: Inputs): [number, number[]] {
  const x = inputs.x.arraySync() as number[][];
  const w = inputs.w.dataSync();
  const value = (weights: ArrayLike<number>) =>
    x.reduce((sum, row) => {
      const logits = Array.from({ length: 5 }, (_, j) =>
        row.reduce((total, each, k) => total + each * elementAt(weights, k * 5 + j), 0),
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
