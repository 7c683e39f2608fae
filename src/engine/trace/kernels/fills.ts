/** Kernels that make tensors of known numbers. */

import { sizeOf } from '../../../shapes.ts';
import * as onnx from '../../onnx/operation.ts';
import * as tensorflow from '../../tensorflow/operation.ts';
import type { tf } from '../../tensors.ts';
import type { Node, ValueType } from '../graph.ts';
import { type Kernel, kernel } from '../kernel.ts';
import { numbersOf, scalar } from '../operation.ts';

type Made = Pick<Node, 'outputs'>;

const onnxFill = ({ outputs: [y] }: Made, value: number) => onnx.op('Identity', [onnx.filled(y, value)]);

const tensorFlowFill = ({ outputs: [y] }: Made, value: number) =>
  tensorflow.op('Fill', [tensorflow.integers(y.shape), scalar(value, y.dtype)], {
    ...tensorflow.typed(y),
    index_type: tensorflow.INT32,
  });

/** The numbers of a Range, as a literal. */
function rangeOf({ outputs: [{ shape, dtype }], attrs: { start, step } }: Node<tf.RangeAttrs>) {
  const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => start + i * step);
  return { shape, dtype, numbers: numbersOf(numbers, dtype) };
}

export const FILLS: readonly Kernel[] = [
  {
    name: 'ZerosLike',
    infer: ([x]) => x,
    onnx: (node) => onnxFill(node, 0),
    tensorflow: (node) => tensorFlowFill(node, 0),
  },
  {
    name: 'OnesLike',
    infer: ([x]) => x,
    onnx: (node) => onnxFill(node, 1),
    tensorflow: (node) => tensorFlowFill(node, 1),
  },
  kernel<{ shape: number[]; value: number; dtype?: ValueType }>({
    name: 'Fill',
    infer: (_, { shape, dtype = 'float32' }) => ({ shape, dtype }),
    onnx: (node) => onnxFill(node, node.attrs.value),
    tensorflow: (node) => tensorFlowFill(node, node.attrs.value),
  }),
  kernel<tf.RangeAttrs>({
    name: 'Range',
    infer: (_, { start, stop, step, dtype = 'float32' }) => ({
      shape: [Math.max(0, Math.ceil((stop - start) / step))],
      dtype,
    }),
    onnx: (node) => onnx.op('Identity', [rangeOf(node)]),
    tensorflow: rangeOf,
  }),
];
