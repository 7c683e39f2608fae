/**
 * AdamW as one kernel: one pass over memory where the primitives take thirteen. Backends whose numbers
 * JavaScript can reach run the loop of adamw-simd.ts, others the primitives; a traced step records the kernel
 * by its name, and each runtime has its own way with it.
 */

import { tf } from '../tensors.ts';
import { type AdamWAttributes, updateArrays } from './adamw-simd.ts';

export type { AdamWAttributes };

export const ADAMW = 'CalmAdamW';

/**
 * A parameter with its moments and gradient, all of one shape, and four scalars. The order is that of the
 * kernel's inputs.
 */
export interface AdamWInputs {
  readonly parameter: tf.Tensor;
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
  readonly gradient: tf.Tensor;
  /**
   * What the gradient is multiplied by: the clipping. 0 leaves everything as it is, whatever the gradient.
   */
  readonly scale: tf.Tensor;
  readonly learningRate: tf.Tensor;
  /** 1 − β₁ᵗ. */
  readonly correction1: tf.Tensor;
  /** 1 − β₂ᵗ. */
  readonly correction2: tf.Tensor;
}

/**
 * m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← p (1 − lr·wd) − lr · m̂ / (√v̂ + ε)   (Loshchilov &
 * Hutter 2019, in torch's order)
 * @returns parameter, first and second moment
 */
export function applyAdamW(
  inputs: AdamWInputs,
  attributes: AdamWAttributes,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  if (!tf.getKernel(ADAMW, tf.getBackend())) return composed(inputs, attributes);
  return tf.engine().runKernel(ADAMW, { ...inputs }, { ...attributes }) as unknown as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
}

/** The update from primitives. */
function composed(
  { parameter, first, second, gradient, scale, learningRate, correction1, correction2 }: AdamWInputs,
  { beta1, beta2, epsilon, weightDecay }: AdamWAttributes,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const g = tf.mul(gradient, scale);
  const m = tf.add(tf.mul(first, beta1), tf.mul(g, 1 - beta1));
  const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(g), 1 - beta2));
  const root = tf.add(tf.div(tf.sqrt(v), tf.sqrt(correction2)), epsilon);
  const kept =
    weightDecay === 0 ? parameter : tf.mul(parameter, tf.sub(1, tf.mul(learningRate, weightDecay)));
  const updated = tf.sub(kept, tf.div(tf.mul(m, tf.div(learningRate, correction1)), root));
  const isTaken = tf.greater(scale, 0);
  return [tf.where(isTaken, updated, parameter), tf.where(isTaken, m, first), tf.where(isTaken, v, second)];
}

/** What a backend must offer for the loop: its numbers as arrays, and outputs to write to. */
interface ArrayAccess<Backend> {
  read(backend: Backend, info: tf.TensorInfo): Float32Array;
  make(backend: Backend, shape: number[]): tf.TensorInfo;
}

/** Registers the loop as a backend's kernel. Harmless when called twice. */
export function registerAdamW<Backend>(backendName: string, { read, make }: ArrayAccess<Backend>): void {
  if (tf.getKernel(ADAMW, backendName)) return;
  const kernelFunc = ({
    inputs,
    backend,
    attrs,
  }: {
    inputs: Record<keyof AdamWInputs, tf.TensorInfo>;
    backend: Backend;
    attrs: AdamWAttributes;
  }) => {
    const output = () => make(backend, inputs.parameter.shape);
    const outputs = { parameter: output(), first: output(), second: output() };
    // Arrays are taken after the outputs are made: a heap that grows moves.
    const array = (info: tf.TensorInfo) => read(backend, info);
    const number = (info: tf.TensorInfo) => array(info)[0] as number;
    updateArrays(
      {
        parameter: array(inputs.parameter),
        first: array(inputs.first),
        second: array(inputs.second),
        gradient: array(inputs.gradient),
      },
      {
        scale: number(inputs.scale),
        learningRate: number(inputs.learningRate),
        correction1: number(inputs.correction1),
        correction2: number(inputs.correction2),
      },
      attrs,
      {
        parameter: array(outputs.parameter),
        first: array(outputs.first),
        second: array(outputs.second),
      },
    );
    return Object.values(outputs);
  };
  tf.registerKernel({ kernelName: ADAMW, backendName, kernelFunc: kernelFunc as unknown as tf.KernelFunc });
}
