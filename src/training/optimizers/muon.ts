/**
 * Muon (Jordan et al. 2024): the momentum of a matrix is replaced by its polar factor, so all of its
 * directions are
 * learnt at one rate. Vectors, embeddings and small matrices go to AdamW. R rows · C columns.
 */

import { elementAt } from '../../elements.ts';
import { type Tensor, type TensorMap, tensorOf, tf } from '../../engine/index.ts';
import { polarFactor, polarFactorFlops } from '../../math/index.ts';
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
  const { smallestSide, every } = options;
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
    scalars: (step) => ({ ...others.scalars?.(step), ...(every > 1 ? { turn: (step - 1) % every } : {}) }),
    flops(shapes) {
      const matrices = Object.entries(shapes).filter(([name, shape]) => isMatrix(name, shape));
      const perTurn = matrices.map(([, shape]) => {
        const [rows, columns] = shape as [number, number];
        return polarFactorFlops(rows, columns, options.polynomialSteps);
      });
      return perTurn.reduce((sum, flops) => sum + flops, 0) / every;
    },
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
      const step: StepNumbers = {
        isTaken: tf.greater(scale, 0),
        share: tf.mul(scale, 1 - options.momentum),
        learningRate,
        kept: tf.sub(1, tf.mul(learningRate, options.weightDecay)),
        turn: scalars.turn,
      };
      const [moved, remembered]: [TensorMap, TensorMap] = [{}, {}];
      for (const names of namesByShape(own.matrices)) {
        const stacked = (tensors: TensorMap) => stack(names.map((name) => tensorOf(tensors, name)));
        const next = updateStack(
          {
            parameters: stacked(own.matrices),
            momenta: stacked(momentum),
            gradients: stacked(given.matrices),
          },
          step,
          options,
        );
        names.forEach((name, i) => {
          moved[name] = unstacked(next.parameters, i);
          remembered[name] = unstacked(next.momenta, i);
        });
      }
      return {
        parameters: mapTensors(parameters, (_, name) => moved[name] ?? tensorOf(rest.parameters, name)),
        state: { momentum: remembered, ...rest.state },
      };
    },
  };
}

interface Stack {
  /** [matrices, R, C], as the others. */
  readonly parameters: Tensor;
  readonly momenta: Tensor;
}

/** Scalars of one step. */
interface StepNumbers {
  /** False in a bad step, which leaves everything as it is. */
  readonly isTaken: Tensor;
  /** What the gradient is multiplied by where it is added to the momentum. */
  readonly share: Tensor;
  readonly learningRate: Tensor;
  /** What the weight decay leaves of a parameter. */
  readonly kept: Tensor;
  /** Which of the matrices are moved, 0 to `every` − 1; absent where all are. */
  readonly turn: Tensor | undefined;
}

/** Matrices of one shape: what is done to their numbers is done to all at once. */
function updateStack(
  { parameters, momenta, gradients }: Stack & { readonly gradients: Tensor },
  { isTaken, share, learningRate, kept, turn }: StepNumbers,
  { momentum, polynomial, polynomialSteps, every }: MuonOptions,
): Stack {
  const part = tf.mul(gradients, share);
  const next = tf.add(tf.mul(momenta, momentum), part);
  const ahead = tf.add(tf.mul(next, momentum), part);
  const [, rows, columns] = parameters.shape as [number, number, number];
  const size = tf.mul(learningRate, SIZE_OF_ADAMW * every * Math.sqrt(Math.max(rows, columns)));
  const find = (matrices: Tensor) => polarFactor(matrices, polynomialSteps, polynomial);
  const directions = turn ? inTurn(ahead, turn, every, find) : find(ahead);
  const decayed = isDecayed([rows, columns]) ? tf.mul(parameters, kept) : parameters;
  const moved = tf.sub(decayed, tf.mul(directions, size));
  return {
    parameters: tf.where(isTaken, moved, parameters),
    momenta: tf.where(isTaken, next, momenta),
  };
}

/**
 * Directions of those matrices [B, R, C] whose number leaves the rest `turn`, divided by `every`; zeros for
 * the others. The same number of them is found in each turn.
 */
function inTurn(matrices: Tensor, turn: Tensor, every: number, find: (some: Tensor) => Tensor): Tensor {
  const [count] = matrices.shape;
  const numbers = Array.from({ length: count }, (_, i) => i);
  const firsts = numbers.filter((i) => i % every === 0);
  const chosen = tf.minimum(tf.add(tf.tensor1d(firsts), turn), count - 1);
  const found = find(tf.gather(matrices, tf.cast(chosen, 'int32')));
  const slots = numbers.map((i) => Math.floor(i / every));
  const isTurn = tf.equal(
    tf.tensor3d(
      numbers.map((i) => i % every),
      [count, 1, 1],
    ),
    turn,
  );
  return tf.mul(tf.gather(found, tf.tensor1d(slots, 'int32')), tf.cast(isTurn, 'float32'));
}

/** Matrices of one shape as one tensor, [matrices, R, C]. */
function stack(matrices: readonly Tensor[]): Tensor {
  return tf.reshape(tf.concat([...matrices]), [matrices.length, ...elementAt(matrices, 0).shape]);
}

function unstacked(matrices: Tensor, index: number): Tensor {
  const [, rows, columns] = matrices.shape as [number, number, number];
  return tf.reshape(tf.slice(matrices, [index, 0, 0], [1, rows, columns]), [rows, columns]);
}

function namesByShape(matrices: TensorMap): Iterable<string[]> {
  const groups = new Map<string, string[]>();
  for (const [name, { shape }] of Object.entries(matrices)) {
    const key = shape.join(' × ');
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return groups.values();
}
