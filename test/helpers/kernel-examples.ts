/** For every kernel some calls of it, on a handful of tensors. */

import { applyAdamW, type Tensor, tf } from 'calm-lm/engine';

type Inputs = ReturnType<typeof exampleInputs>;
type Example = (inputs: Inputs) => Tensor | Tensor[];

const numbers = (count: number, begin: number, step: number) =>
  Float32Array.from({ length: count }, (_, i) => begin + i * step);

/** Made anew for each use: an engine's tensors live in its own backend. */
export function exampleInputs() {
  return {
    x: tf.tensor3d(numbers(24, 0.3, 0.17), [2, 3, 4]),
    y: tf.tensor2d(numbers(12, 2.9, -0.41), [3, 4]),
    z: tf.tensor2d(numbers(20, -1, 0.13), [4, 5]),
    w: tf.tensor3d(numbers(40, -2, 0.11), [2, 4, 5]),
    row: tf.tensor1d(numbers(5, 1, 0.5)),
    one: tf.scalar(-3),
    tenth: tf.scalar(0.1),
    n: tf.tensor2d(Int32Array.of(0, -1, 2, 3, 2, 5), [2, 3], 'int32'),
    ids: tf.tensor1d(Int32Array.of(2, 0, 2), 'int32'),
    grid: tf.tensor2d(Int32Array.of(1, 1, 0, 2), [2, 2], 'int32'),
  };
}

const unary = (f: (x: Tensor) => Tensor): Example[] => [({ x }) => f(x), ({ tenth }) => f(tenth)];

const binary = (f: (a: Tensor, b: Tensor) => Tensor): Example[] => [
  ({ x, y }) => f(x, y),
  ({ y, one }) => f(one, y),
  ({ y, tenth }) => f(y, tenth),
];

const comparison = (f: (a: Tensor, b: Tensor) => Tensor): Example[] => [
  ...binary(f),
  ({ n }) => f(n, tf.scalar(2, 'int32')),
];

const reduction = (f: (x: Tensor, axis?: number | number[], keepDims?: boolean) => Tensor): Example[] => [
  ({ x }) => f(x),
  ({ x }) => f(x, [0, 2]),
  ({ x }) => f(x, -1, true),
  ({ x }) => f(x, [1], false),
  ({ one }) => f(one),
];

const product = (transposeA: boolean, transposeB: boolean): Example[] => [
  ({ y, z }) =>
    tf.matMul(transposeA ? tf.transpose(y) : y, transposeB ? tf.transpose(z) : z, transposeA, transposeB),
  ({ x, w }) =>
    tf.matMul(
      transposeA ? tf.transpose(x, [0, 2, 1]) : x,
      transposeB ? tf.transpose(w, [0, 2, 1]) : w,
      transposeA,
      transposeB,
    ),
];

const rowsAddedUp = ({ x, ids }: Inputs) =>
  tf.unsortedSegmentSum(tf.reshape(tf.slice(x, [0, 0, 0], [1, 3, 4]), [3, 4]), ids, 3);

export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  Add: binary(tf.add),
  Sub: binary(tf.sub),
  Multiply: [...binary(tf.mul), ({ n }) => tf.mul(n, n)],
  RealDiv: binary(tf.div),
  Maximum: binary(tf.maximum),
  Minimum: binary(tf.minimum),
  Pow: [({ x, y }) => tf.pow(x, y), ({ x }) => tf.pow(x, 3)],
  Identity: unary(tf.clone),
  Neg: [...unary(tf.neg), ({ n }) => tf.neg(n)],
  Abs: [({ y }) => tf.abs(y), ({ n }) => tf.abs(n)],
  Exp: unary(tf.exp),
  Log: unary(tf.log),
  Sqrt: unary(tf.sqrt),
  Sigmoid: unary(tf.sigmoid),
  Cos: unary(tf.cos),
  Sin: unary(tf.sin),
  Rsqrt: unary(tf.rsqrt),
  Square: [...unary(tf.square), ({ n }) => tf.square(n)],
  AddN: [({ x }) => tf.addN([x, x, tf.neg(x)])],
  Equal: comparison(tf.equal),
  NotEqual: comparison(tf.notEqual),
  Greater: comparison(tf.greater),
  GreaterEqual: comparison(tf.greaterEqual),
  Less: comparison(tf.less),
  LessEqual: comparison(tf.lessEqual),
  LogicalAnd: [({ x, y }) => tf.logicalAnd(tf.greater(x, 1), tf.less(y, 2))],
  LogicalNot: [({ x }) => tf.logicalNot(tf.greater(x, 1))],
  Select: [
    ({ x }) => tf.where(tf.greater(x, 1), x, tf.square(x)),
    ({ n }) => tf.where(tf.greater(n, 1), n, tf.neg(n)),
  ],
  Cast: [
    ({ y }) => tf.cast(y, 'int32'),
    ({ n }) => tf.cast(n, 'float32'),
    ({ n }) => tf.cast(n, 'bool'),
    ({ y }) => tf.cast(tf.greater(y, 1), 'float32'),
  ],
  Sum: reduction(tf.sum),
  Mean: reduction(tf.mean),
  Max: reduction(tf.max),
  SumOfSquares: reduction((x, axis, keepDims) => tf.sum(tf.square(x), axis, keepDims)),
  ArgMax: [({ y }) => tf.argMax(y, 0), ({ x }) => tf.argMax(x, -1)],
  Softmax: [({ x }) => tf.softmax(x), ({ row }) => tf.softmax(row)],
  Reshape: [({ x }) => tf.reshape(x, [4, -1]), ({ n }) => tf.reshape(n, [6])],
  ExpandDims: [({ x }) => tf.expandDims(x, 1), ({ n }) => tf.expandDims(n, -1)],
  BroadcastTo: [({ y }) => tf.mul(tf.ones([2, 3, 4]), y)],
  Transpose: [({ x }) => tf.transpose(x, [2, 0, 1]), ({ n }) => tf.transpose(n)],
  Concat: [({ x }) => tf.concat([x, x, tf.neg(x)], 1), ({ n }) => tf.concat([n, n], -1)],
  SplitV: [({ x }) => tf.split(x, [1, 3], 2), ({ x }) => tf.split(x, 3, -2), ({ n }) => tf.split(n, 1)],
  Slice: [({ x }) => tf.slice(x, [0, 1, 1], [2, -1, 2]), ({ n }) => tf.slice(n, 1)],
  PadV2: [
    ({ y }) =>
      tf.pad(
        y,
        [
          [1, 0],
          [0, 2],
        ],
        -1.5,
      ),
    ({ n }) =>
      tf.pad(
        n,
        [
          [0, 1],
          [2, 0],
        ],
        7,
      ),
    ({ n }) =>
      tf.pad(n, [
        [1, 1],
        [0, 0],
      ]),
  ],
  Tile: [({ y }) => tf.tile(y, [2, 3]), ({ n }) => tf.tile(n, [1, 2])],
  BatchMatMul: [
    ...product(false, false),
    ...product(true, false),
    ...product(false, true),
    ...product(true, true),
    ({ y, z, row }) => tf.add(tf.matMul(y, z), row),
    ({ y, z }) => tf.add(tf.matMul(y, z), tf.slice(tf.neg(z), 1)),
  ],
  GatherV2: [
    ({ y, ids }) => tf.gather(y, ids),
    ({ x, grid }) => tf.gather(x, grid, 1),
    ({ n, ids }) => tf.gather(n, ids, -1),
  ],
  UnsortedSegmentSum: [
    rowsAddedUp,
    ({ row }) => tf.unsortedSegmentSum(row, tf.tensor1d([1, 0, 1, 3, 0], 'int32'), 4),
  ],
  SegmentAdd: [
    (inputs) => tf.add(inputs.y, rowsAddedUp(inputs)),
    (inputs) => tf.add(rowsAddedUp(inputs), inputs.y),
    (inputs) => tf.sub(inputs.y, rowsAddedUp(inputs)),
  ],
  OneHot: [
    ({ ids }) => tf.oneHot(ids, 3, 1, 0, 'float32'),
    ({ grid }) => tf.oneHot(grid, 4, 5, -2, 'float32'),
    ({ ids }) => tf.oneHot(ids, 3),
  ],
  ZerosLike: [({ x }) => tf.zerosLike(x), ({ n }) => tf.zerosLike(n)],
  OnesLike: [({ x }) => tf.onesLike(x), ({ n }) => tf.onesLike(n)],
  Fill: [
    () => tf.fill([2, 3], 1.5),
    () => tf.fill([3], 2, 'int32'),
    ({ x }) => tf.mul(tf.fill([3, 4], -0), x),
  ],
  Range: [() => tf.range(0, 5), () => tf.range(7, 1, -2, 'int32'), () => tf.range(3, 3)],
  CalmAdamW: [
    ({ x, tenth }) =>
      applyAdamW(
        {
          parameter: x,
          first: tf.neg(x),
          second: tf.square(x),
          gradient: tf.sin(x),
          scale: tenth,
          learningRate: tenth,
          correction1: tenth,
          correction2: tf.square(tenth),
        },
        { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 },
      ),
    ({ x, tenth, one }) =>
      applyAdamW(
        {
          parameter: x,
          first: x,
          second: x,
          gradient: x,
          scale: tf.add(one, 3),
          learningRate: tenth,
          correction1: tenth,
          correction2: tenth,
        },
        { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
      ),
  ],
};
