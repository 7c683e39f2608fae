/** What each kernel returns, by shape and type: all that tracing needs to know of it. */

import { sizeOf } from '../../shapes.ts';
import { ADAMW } from '../kernels/adamw.ts';
import { tf } from '../tensors.ts';
import type { Node, ValueType } from './graph.ts';

export interface Described {
  readonly shape: readonly number[];
  readonly dtype: ValueType;
}

export type Attributes = Readonly<Record<string, unknown>>;
type Infer = (inputs: readonly Described[], attrs: Attributes) => readonly Described[];

const same: Infer = ([x]) => [x];

function broadcast(dtype?: ValueType): Infer {
  return ([a, b]) => [
    {
      shape: tf.broadcast_util.assertAndGetBroadcastShape(a.shape as number[], b.shape as number[]),
      dtype: dtype ?? a.dtype,
    },
  ];
}

/** The axes that a reduction takes away. tfjs calls them `axis`, those of Max `reductionIndices`; absent means all. */
export function reducedAxes({ shape }: Pick<Described, 'shape'>, attrs: Attributes): number[] {
  return tf.util.parseAxisParam((attrs.reductionIndices ?? attrs.axis) as number[], shape as number[]);
}

function reduce(dtype?: ValueType): Infer {
  return ([x], attrs) => {
    const axes = reducedAxes(x, attrs);
    const shape = x.shape.flatMap((size, axis) =>
      axes.includes(axis) ? (attrs.keepDims ? [1] : []) : [size],
    );
    return [{ shape, dtype: dtype ?? x.dtype }];
  };
}

const matMul: Infer = ([a, b], { transposeA, transposeB }) => {
  const rank = a.shape.length;
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(
    a.shape.slice(0, -2) as number[],
    b.shape.slice(0, -2) as number[],
  );
  return [
    {
      shape: [...batch, a.shape[rank - (transposeA ? 1 : 2)], b.shape[b.shape.length - (transposeB ? 2 : 1)]],
      dtype: 'float32',
    },
  ];
};

const reshape: Infer = ([x], { shape }) => [
  { shape: tf.util.inferFromImplicitShape(shape as number[], sizeOf(x.shape)), dtype: x.dtype },
];

const expandDims: Infer = ([x], { dim }) => {
  const at = (dim as number) < 0 ? x.shape.length + 1 + (dim as number) : (dim as number);
  return [{ shape: [...x.shape.slice(0, at), 1, ...x.shape.slice(at)], dtype: x.dtype }];
};

const concat: Infer = (inputs, { axis }) => {
  const at = tf.util.parseAxisParam(axis as number, inputs[0].shape as number[])[0];
  const total = inputs.reduce((sum, { shape }) => sum + shape[at], 0);
  return [{ shape: inputs[0].shape.map((size, i) => (i === at ? total : size)), dtype: inputs[0].dtype }];
};

const split: Infer = ([x], { numOrSizeSplits, axis }) => {
  const at = tf.util.parseAxisParam(axis as number, x.shape as number[])[0];
  const sizes = tf.backend_util.prepareSplitSize(
    { shape: x.shape } as tf.Tensor,
    numOrSizeSplits as number[] | number,
    at,
  );
  return sizes.map((size) => ({ shape: x.shape.map((old, i) => (i === at ? size : old)), dtype: x.dtype }));
};

const slice: Infer = ([x], { begin, size }) => [
  {
    shape: (size as number[]).map((wanted, i) =>
      wanted === -1 ? x.shape[i] - (begin as number[])[i] : wanted,
    ),
    dtype: x.dtype,
  },
];

const gather: Infer = ([x, indices], { axis }) => {
  const at = tf.util.parseAxisParam((axis as number) ?? 0, x.shape as number[])[0];
  return [{ shape: [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)], dtype: x.dtype }];
};

/** Where and into which sizes a SplitV cuts. */
export function splitOf({ inputs: [x], outputs, attrs }: Node): { axis: number; sizes: number[] } {
  const [axis] = tf.util.parseAxisParam(attrs.axis as number, x.shape as number[]);
  return { axis, sizes: outputs.map(({ shape }) => shape[axis]) };
}

/** The numbers of a Range. */
export function numbersOfRange({ outputs: [y], attrs }: Node): Float32Array | Int32Array {
  const numbers = Array.from(
    { length: sizeOf(y.shape) },
    (_, i) => (attrs.start as number) + i * (attrs.step as number),
  );
  return y.dtype === 'int32' ? Int32Array.from(numbers) : Float32Array.from(numbers);
}

const range: Infer = (_, { start, stop, step, dtype }) => [
  {
    shape: [Math.max(0, Math.ceil(((stop as number) - (start as number)) / (step as number)))],
    dtype: (dtype as ValueType) ?? 'float32',
  },
];

/** Kernel → inference. A kernel that is not here cannot be traced. */
export const INFER: Readonly<Record<string, Infer>> = {
  ...Object.fromEntries(
    [
      'Exp',
      'Log',
      'Sqrt',
      'Rsqrt',
      'Square',
      'Neg',
      'Sigmoid',
      'Cos',
      'Sin',
      'Identity',
      'Softmax',
      'ZerosLike',
      'OnesLike',
      'Abs',
      'LogicalNot',
    ].map((name) => [name, same]),
  ),
  ...Object.fromEntries(
    ['Add', 'Sub', 'Multiply', 'RealDiv', 'Maximum', 'Minimum', 'Pow'].map((name) => [name, broadcast()]),
  ),
  ...Object.fromEntries(
    ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'LogicalAnd'].map((name) => [
      name,
      broadcast('bool'),
    ]),
  ),
  Sum: reduce(),
  Mean: reduce(),
  Max: reduce(),
  ArgMax: ([x], { axis }) => reduce('int32')([x], { axis: [axis], keepDims: false }),
  AddN: same,
  BatchMatMul: matMul,
  Reshape: reshape,
  ExpandDims: expandDims,
  Transpose: ([x], { perm }) => [{ shape: (perm as number[]).map((axis) => x.shape[axis]), dtype: x.dtype }],
  Concat: concat,
  SplitV: split,
  Slice: slice,
  PadV2: ([x], { paddings }) => [
    {
      shape: x.shape.map((size, i) => size + (paddings as number[][])[i][0] + (paddings as number[][])[i][1]),
      dtype: x.dtype,
    },
  ],
  Tile: ([x], { reps }) => [
    { shape: x.shape.map((size, i) => size * (reps as number[])[i]), dtype: x.dtype },
  ],
  GatherV2: gather,
  UnsortedSegmentSum: ([x, ids], { numSegments }) => [
    { shape: [numSegments as number, ...x.shape.slice(ids.shape.length)], dtype: x.dtype },
  ],
  OneHot: ([indices], { depth, dtype }) => [
    { shape: [...indices.shape, depth as number], dtype: dtype as ValueType },
  ],
  Select: ([condition, chosen, other]) => [
    {
      shape:
        condition.shape.length === chosen.shape.length
          ? tf.broadcast_util.assertAndGetBroadcastShape(chosen.shape as number[], other.shape as number[])
          : chosen.shape,
      dtype: chosen.dtype,
    },
  ],
  Cast: ([x], { dtype }) => [{ shape: x.shape, dtype: dtype as ValueType }],
  Fill: (_, { shape, dtype }) => [{ shape: shape as number[], dtype: (dtype as ValueType) ?? 'float32' }],
  Range: range,
  [ADAMW]: ([parameter]) => [parameter, parameter, parameter],
};
