/**
 * Kernels that move numbers and change none: reshaping, transposing, joining, cutting, padding, repeating.
 */

import { elementAt } from '../../../elements.ts';
import { sizeOf } from '../../../shapes.ts';
import * as onnx from '../../onnx/operation.ts';
import * as tensorflow from '../../tensorflow/operation.ts';
import { tf } from '../../tensors.ts';
import type { Described, Node, Operands, Value } from '../graph.ts';
import { type Kernel, kernel, MADE_BY_SIMPLIFY } from '../kernel.ts';
import { scalar } from '../operation.ts';

const { INT32, typed } = tensorflow;

/** An axis counted from the front. */
function fromFront(axis: number, { shape }: Described): number {
  const [place] = tf.util.parseAxisParam(axis, shape as number[]) as [number];
  return place;
}

/** x with another size along an axis. */
function resized({ shape, dtype }: Described, axis: number, size: number): Described {
  return { shape: shape.map((old, i) => (i === axis ? size : old)), dtype };
}

/** Where a slice begins and how long it is, along every axis. */
function partOf({ shape }: Described, attrs: tf.SliceAttrs): { begin: number[]; size: number[] } {
  const part = tf.slice_util.parseSliceParams({ shape } as tf.TensorInfo, attrs.begin, attrs.size);
  const [begin, size] = part as [number[], number[]];
  return { begin, size };
}

type Ends = Pick<Node<unknown, Operands<Value>>, 'inputs' | 'outputs'>;

const onnxReshape = ({ inputs: [x], outputs: [y] }: Ends) => onnx.op('Reshape', [x, onnx.integers(y.shape)]);

const tensorFlowReshape = ({ inputs: [x], outputs: [y] }: Ends) =>
  tensorflow.op('Reshape', [x, tensorflow.integers(y.shape)], { ...typed(x), Tshape: INT32 });

export const SHAPES: readonly Kernel[] = [
  kernel<tf.ReshapeAttrs>({
    name: 'Reshape',
    infer: ([x], { shape }) => ({
      shape: tf.util.inferFromImplicitShape(shape, sizeOf(x.shape)),
      dtype: x.dtype,
    }),
    onnx: onnxReshape,
    tensorflow: tensorFlowReshape,
  }),
  kernel<tf.ExpandDimsAttrs>({
    name: 'ExpandDims',
    infer: ([{ shape, dtype }], { dim }) => ({
      shape: shape.toSpliced(dim < 0 ? shape.length + 1 + dim : dim, 0, 1),
      dtype,
    }),
    onnx: onnxReshape,
    tensorflow: tensorFlowReshape,
  }),
  {
    name: 'BroadcastTo',
    infer: MADE_BY_SIMPLIFY,
    onnx: ({ inputs: [x], outputs: [y] }) => onnx.op('Expand', [x, onnx.integers(y.shape)]),
    tensorflow: ({ inputs: [x], outputs: [y] }) =>
      tensorflow.op('BroadcastTo', [x, tensorflow.integers(y.shape)], { ...typed(x), Tidx: INT32 }),
  },
  kernel<tf.TransposeAttrs>({
    name: 'Transpose',
    infer: ([x], { perm }) => ({ shape: perm.map((axis) => elementAt(x.shape, axis)), dtype: x.dtype }),
    onnx: ({ inputs: [x], attrs: { perm } }) => onnx.op('Transpose', [x], { perm }),
    tensorflow: ({ inputs: [x], attrs: { perm } }) =>
      tensorflow.op('Transpose', [x, tensorflow.integers(perm)], { ...typed(x), Tperm: INT32 }),
  }),
  kernel<tf.ConcatAttrs>({
    name: 'Concat',
    infer: (inputs, attrs) => {
      const axis = fromFront(attrs.axis, inputs[0]);
      return resized(
        inputs[0],
        axis,
        inputs.reduce((sum, { shape }) => sum + elementAt(shape, axis), 0),
      );
    },
    onnx: ({ inputs, attrs: { axis } }) => onnx.op('Concat', inputs, { axis }),
    tensorflow: ({ inputs, attrs: { axis } }) =>
      tensorflow.op('ConcatV2', [...inputs, tensorflow.integer(axis)], {
        ...typed(inputs[0]),
        N: { int: inputs.length },
        Tidx: INT32,
      }),
  }),
  kernel<tf.SplitVAttrs>({
    name: 'SplitV',
    infer: ([x], attrs) => {
      const axis = fromFront(attrs.axis, x);
      const sizes = tf.backend_util.prepareSplitSize(
        { shape: x.shape } as tf.Tensor,
        attrs.numOrSizeSplits,
        axis,
      );
      return sizes.map((size) => resized(x, axis, size));
    },
    onnx: ({ inputs: [x], outputs, attrs }) => {
      const axis = fromFront(attrs.axis, x);
      return onnx.op('Split', [x, onnx.integers(outputs.map(({ shape }) => elementAt(shape, axis)))], {
        axis,
      });
    },
    tensorflow: ({ inputs: [x], outputs, attrs }) => {
      const axis = fromFront(attrs.axis, x);
      const sizes = tensorflow.integers(outputs.map(({ shape }) => elementAt(shape, axis)));
      return tensorflow.op('SplitV', [x, sizes, tensorflow.integer(axis)], {
        ...typed(x),
        Tlen: INT32,
        num_split: { int: outputs.length },
      });
    },
  }),
  kernel<tf.SliceAttrs>({
    name: 'Slice',
    infer: ([x], attrs) => ({ shape: partOf(x, attrs).size, dtype: x.dtype }),
    onnx: ({ inputs: [x], attrs }) => {
      const { begin, size } = partOf(x, attrs);
      const end = begin.map((at, i) => at + elementAt(size, i));
      return onnx.op('Slice', [x, onnx.integers(begin), onnx.integers(end)]);
    },
    tensorflow: ({ inputs: [x], attrs }) => {
      const { begin, size } = partOf(x, attrs);
      return tensorflow.op('Slice', [x, tensorflow.integers(begin), tensorflow.integers(size)], {
        ...typed(x),
        Index: INT32,
      });
    },
  }),
  kernel<tf.PadV2Attrs>({
    name: 'PadV2',
    infer: ([x], { paddings }) => ({
      shape: x.shape.map((size, i) => elementAt(paddings, i).reduce((sum, padding) => sum + padding, size)),
      dtype: x.dtype,
    }),
    onnx: ({ inputs: [x], attrs: { paddings, constantValue = 0 } }) => {
      const amounts = [0, 1].flatMap((end) => paddings.map((padding) => elementAt(padding, end)));
      return onnx.op('Pad', [x, onnx.integers(amounts), scalar(constantValue, x.dtype)]);
    },
    tensorflow: ({ inputs: [x], attrs: { paddings, constantValue = 0 } }) => {
      const amounts = tensorflow.integers(paddings.flat(), [paddings.length, 2]);
      return tensorflow.op('PadV2', [x, amounts, scalar(constantValue, x.dtype)], {
        ...typed(x),
        Tpaddings: INT32,
      });
    },
  }),
  kernel<tf.TileAttrs>({
    name: 'Tile',
    infer: ([x], { reps }) => ({
      shape: x.shape.map((size, i) => size * elementAt(reps, i)),
      dtype: x.dtype,
    }),
    onnx: ({ inputs: [x], attrs: { reps } }) => onnx.op('Tile', [x, onnx.integers(reps)]),
    tensorflow: ({ inputs: [x], attrs: { reps } }) =>
      tensorflow.op('Tile', [x, tensorflow.integers(reps)], { ...typed(x), Tmultiples: INT32 }),
  }),
];
