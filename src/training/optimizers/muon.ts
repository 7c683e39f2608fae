/**
 * Muon (Jordan et al. 2024): the momentum of a matrix is replaced by its polar factor, so all of its
 * directions are
 * learnt at one rate. Vectors, embeddings and small matrices go to AdamW. R rows · C columns.
 */

import { type Tensor, type TensorMap, tf } from '../../engine/index.ts';
import { polarFactor } from '../../math/index.ts';
import { isDecayed } from '../../models/index.ts';
import { type AdamWState, adamW } from './adamw.ts';
import type { MuonOptions } from './muon-options.ts';
import { mapTensors, type Optimizer, zerosLike } from './optimizer.ts';

/** The momentum of matrices; AdamW's moments of the rest. A type, so that it fits a tensor tree. */
export type MuonState = AdamWState & { readonly momentum: TensorMap };

/**
 * The update of a matrix has the size that AdamW's has, so rate and decay serve for both (Liu et al. 2025).
 */
const SIZE_OF_ADAMW = 0.2;

/** Rows are looked up or compared one by one: no direction of such a matrix means anything. */
const EMBEDDINGS = /(^|\.)(embed_tokens|lm_head)(\.weight|_weight)$/;

/**
 * m ← μ m + (1 − μ) g, u = polar(μ m + (1 − μ) g), p ← p (1 − lr·wd) − lr · 0.2 √max(R, C) · u
 * (torch.optim.Muon with
 * match_rms_adamw, in float32)
 */
export function muon(options: MuonOptions): Optimizer<MuonState> {
  const { momentum: decay, weightDecay, smallestSide } = options;
  const isMatrix = (name: string, shape: readonly number[]) =>
    shape.length === 2 && Math.min(...shape) >= smallestSide && !EMBEDDINGS.test(name);
  const others = adamW(options);
  const split = (tensors: TensorMap) => {
    const entries = Object.entries(tensors);
    const isTaken = ([name, { shape }]: [string, Tensor]) => isMatrix(name, shape);
    return {
      matrices: Object.fromEntries(entries.filter(isTaken)),
      rest: Object.fromEntries(entries.filter((entry) => !isTaken(entry))),
    };
  };
  return {
    takesScale: true,
    init(parameters) {
      const { matrices, rest } = split(parameters);
      return { momentum: zerosLike(matrices), ...others.init(rest) };
    },
    scalars: others.scalars,
    update({ parameters, state: { momentum, ...moments }, gradients, scale, learningRate, scalars }) {
      const [own, given] = [split(parameters), split(gradients)];
      const rest = others.update({
        parameters: own.rest,
        state: moments,
        gradients: given.rest,
        scale,
        learningRate,
        scalars,
      });
      const isTaken = tf.greater(scale, 0);
      const clipped = mapTensors(given.matrices, (gradient) => tf.mul(gradient, scale));
      const mixed = (old: Tensor, gradient: Tensor) =>
        tf.add(tf.mul(old, decay), tf.mul(gradient, 1 - decay));
      const next = mapTensors(clipped, (gradient, name) => mixed(momentum[name], gradient));
      const ahead = mapTensors(clipped, (gradient, name) => mixed(next[name], gradient));
      const directions = polarFactors(ahead, options);
      const updated = mapTensors(own.matrices, (parameter, name) => {
        const size = SIZE_OF_ADAMW * Math.sqrt(Math.max(...parameter.shape));
        const kept = isDecayed(parameter.shape)
          ? tf.mul(parameter, tf.sub(1, tf.mul(learningRate, weightDecay)))
          : parameter;
        const moved = tf.sub(kept, tf.mul(directions[name], tf.mul(learningRate, size)));
        return tf.where(isTaken, moved, parameter);
      });
      const remembered = mapTensors(next, (tensor, name) => tf.where(isTaken, tensor, momentum[name]));
      return {
        parameters: mapTensors(parameters, (_, name) => updated[name] ?? rest.parameters[name]),
        state: { momentum: remembered, ...rest.state },
      };
    },
  };
}

/** The polar factor of every matrix; those of one shape, tall or wide, are one batch of products. */
function polarFactors(matrices: TensorMap, { polynomial, polynomialSteps }: MuonOptions): TensorMap {
  const groups = new Map<string, string[]>();
  for (const [name, { shape }] of Object.entries(matrices)) {
    const key = [...shape].sort((a, b) => a - b).join(' × ');
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  const factors: TensorMap = {};
  for (const names of groups.values()) {
    const wide = names.map((name) => asWide(matrices[name]));
    const [rows, columns] = wide[0].shape as [number, number];
    const batch = tf.concat(wide.map((matrix) => tf.reshape(matrix, [1, rows, columns])));
    const found = polarFactor(batch, polynomialSteps, polynomial);
    names.forEach((name, i) => {
      const one = tf.reshape(tf.slice(found, [i, 0, 0], [1, rows, columns]), [rows, columns]);
      factors[name] = isTall(matrices[name]) ? tf.transpose(one) : one;
    });
  }
  return factors;
}

function isTall({ shape }: Tensor): boolean {
  const [rows, columns] = shape as [number, number];
  return rows > columns;
}

function asWide(matrix: Tensor): Tensor {
  return isTall(matrix) ? tf.transpose(matrix) : matrix;
}
