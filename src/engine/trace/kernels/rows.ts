/** Kernels that take rows by their index, add rows up by it, or mark it. */

import * as onnx from '../../onnx/operation.ts';
import * as tensorflow from '../../tensorflow/operation.ts';
import { tf } from '../../tensors.ts';
import type { Value, ValueType } from '../graph.ts';
import { type Kernel, kernel, MADE_BY_SIMPLIFY, UntraceableKernel } from '../kernel.ts';
import { list, scalar } from '../operation.ts';

const { INT32, typed } = tensorflow;

/**
 * Adds rows of updates to the rows of data that ids name. Not ScatterND: with `add` it races on duplicate
 * indices.
 */
function scatter(
  data: onnx.OnnxOperand,
  ids: Value,
  updates: onnx.OnnxOperand,
  shape: readonly number[],
): onnx.OnnxOperation {
  const columnShape = [...ids.shape, ...shape.slice(ids.shape.length).map(() => 1)];
  const column = onnx.op('Reshape', [ids, onnx.integers(columnShape)]);
  const indices = onnx.op('Expand', [column, onnx.integers(shape)]);
  return onnx.op('ScatterElements', [data, indices, updates], { axis: 0, reduction: 'add' });
}

export const ROWS: readonly Kernel[] = [
  kernel<tf.GatherV2Attrs, 2>({
    name: 'GatherV2',
    operands: ['x', 'indices'],
    infer: ([x, indices], { axis = 0, batchDims = 0 }) => {
      if (batchDims !== 0) throw new UntraceableKernel('GatherV2 with batch dimensions');
      const [at] = tf.util.parseAxisParam(axis, x.shape as number[]) as [number];
      return { shape: x.shape.toSpliced(at, 1, ...indices.shape), dtype: x.dtype };
    },
    onnx: ({ inputs, attrs: { axis = 0 } }) => onnx.op('Gather', inputs, { axis }),
    tensorflow: ({ inputs, attrs: { axis = 0 } }) =>
      tensorflow.op('GatherV2', [...inputs, tensorflow.integer(axis)], {
        Tparams: { type: inputs[0].dtype },
        Tindices: INT32,
        Taxis: INT32,
      }),
  }),
  kernel<tf.UnsortedSegmentSumAttrs, 2>({
    name: 'UnsortedSegmentSum',
    operands: ['x', 'segmentIds'],
    infer: ([x, ids], { numSegments }) => ({
      shape: [numSegments, ...x.shape.slice(ids.shape.length)],
      dtype: x.dtype,
    }),
    onnx: ({ inputs: [x, ids], outputs: [y] }) => scatter(onnx.filled(y, 0), ids, x, x.shape),
    tensorflow: ({ inputs, attrs: { numSegments } }) =>
      tensorflow.op('UnsortedSegmentSum', [...inputs, tensorflow.integer(numSegments)], {
        ...typed(inputs[0]),
        Tindices: INT32,
        Tnumsegments: INT32,
      }),
  }),
  kernel<{ negate: boolean }, 3>({
    name: 'SegmentAdd',
    infer: MADE_BY_SIMPLIFY,
    onnx: ({ inputs: [x, ids, updates], attrs: { negate } }) =>
      scatter(x, ids, negate ? onnx.op('Neg', [updates]) : updates, updates.shape),
    tensorflow: ({ inputs: [x, ids, updates], attrs: { negate } }) => {
      const column = tensorflow.op('Reshape', [ids, tensorflow.integers([...ids.shape, 1])], {
        ...typed(ids),
        Tshape: INT32,
      });
      return tensorflow.op(negate ? 'TensorScatterSub' : 'TensorScatterAdd', [x, column, updates], {
        ...typed(x),
        Tindices: INT32,
      });
    },
  }),
  kernel<{ depth: number; onValue: number; offValue: number; dtype: ValueType }>({
    name: 'OneHot',
    infer: ([{ shape }], { depth, dtype }) => ({ shape: [...shape, depth], dtype }),
    // ONNX Runtime makes one-hots of floats only.
    onnx: ({ inputs: [indices], outputs: [{ dtype }], attrs: { depth, onValue, offValue } }) => {
      const ends = list([offValue, onValue], 'float32');
      const floats = onnx.op('OneHot', [indices, scalar(depth, 'int32'), ends], { axis: -1 });
      return dtype === 'float32' ? floats : onnx.cast(floats, dtype);
    },
    tensorflow: ({ inputs: [indices], outputs: [y], attrs: { depth, onValue, offValue } }) =>
      tensorflow.op(
        'OneHot',
        [indices, tensorflow.integer(depth), scalar(onValue, y.dtype), scalar(offValue, y.dtype)],
        { ...typed(y), TI: INT32, axis: { int: -1 } },
      ),
  }),
];
