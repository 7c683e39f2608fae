/** Kernels that take axes away, and the softmax. */

import * as onnx from '../../onnx/operation.ts';
import * as tensorflow from '../../tensorflow/operation.ts';
import { tf } from '../../tensors.ts';
import type { Described, Node, Operands, Value } from '../graph.ts';
import { type Kernel, kernel, MADE_BY_SIMPLIFY } from '../kernel.ts';
import { scalar } from '../operation.ts';

/** TensorFlow.js calls the axes `axis`, those of Max `reductionIndices`; absent means all. */
interface ReductionAttrs {
  readonly axis?: number | number[];
  readonly reductionIndices?: number | number[];
  readonly keepDims?: boolean;
}

/** The axes that a reduction takes away. */
function reducedAxes({ shape }: Described, { reductionIndices, axis }: ReductionAttrs): number[] {
  return tf.util.parseAxisParam((reductionIndices ?? axis) as number[], shape as number[]);
}

function reduce([x]: Operands<Described>, attrs: ReductionAttrs): Described {
  const axes = reducedAxes(x, attrs);
  const kept = attrs.keepDims ? [1] : [];
  return { shape: x.shape.flatMap((size, axis) => (axes.includes(axis) ? kept : [size])), dtype: x.dtype };
}

/**
 * ONNX's reductions take no axes for all axes; where none are reduced, `ofOne` says what becomes of a number.
 */
const onnxReduction =
  (operator: string, ofOne = (x: Value) => onnx.op('Identity', [x])) =>
  ({ inputs: [x], attrs }: Node<ReductionAttrs, Operands<Value>>) => {
    const axes = reducedAxes(x, attrs);
    if (axes.length === 0) return ofOne(x);
    return onnx.op(operator, [x, onnx.integers(axes)], { keepdims: attrs.keepDims ? 1 : 0 });
  };

const tensorFlowReduction =
  (operator: string) =>
  ({ inputs: [x], attrs }: Node<ReductionAttrs, Operands<Value>>) =>
    reducedBy(operator, x, x, attrs);

function reducedBy(
  operator: string,
  operand: tensorflow.TensorFlowOperand,
  x: Described,
  attrs: ReductionAttrs,
) {
  return tensorflow.op(operator, [operand, tensorflow.integers(reducedAxes(x, attrs))], {
    ...tensorflow.typed(x),
    Tidx: tensorflow.INT32,
    keep_dims: { bool: Boolean(attrs.keepDims) },
  });
}

export const REDUCTIONS: readonly Kernel[] = [
  kernel<ReductionAttrs>({
    name: 'Sum',
    infer: reduce,
    onnx: onnxReduction('ReduceSum'),
    tensorflow: tensorFlowReduction('Sum'),
  }),
  kernel<ReductionAttrs>({
    name: 'Mean',
    infer: reduce,
    onnx: onnxReduction('ReduceMean'),
    tensorflow: tensorFlowReduction('Mean'),
  }),
  kernel<ReductionAttrs>({
    name: 'Max',
    infer: reduce,
    onnx: onnxReduction('ReduceMax'),
    tensorflow: tensorFlowReduction('Max'),
  }),
  kernel<ReductionAttrs>({
    name: 'SumOfSquares',
    infer: MADE_BY_SIMPLIFY,
    onnx: onnxReduction('ReduceSumSquare', (x) => onnx.op('Mul', [x, x])),
    // L2Loss is half the sum over all axes, in one pass.
    tensorflow: ({ inputs: [x], outputs: [y], attrs }) =>
      y.shape.length > 0
        ? reducedBy('Sum', tensorflow.op('Square', [x], tensorflow.typed(x)), x, attrs)
        : tensorflow.op(
            'Mul',
            [tensorflow.op('L2Loss', [x], tensorflow.typed(x)), scalar(2)],
            tensorflow.typed(x),
          ),
  }),
  kernel<{ axis: number }>({
    name: 'ArgMax',
    infer: ([x], { axis }) => ({ shape: reduce([x], { axis: [axis] }).shape, dtype: 'int32' }),
    onnx: ({ inputs: [x], attrs: { axis } }) =>
      onnx.cast(onnx.op('ArgMax', [x], { axis, keepdims: 0 }), 'int32'),
    tensorflow: ({ inputs: [x], attrs: { axis } }) =>
      tensorflow.op('ArgMax', [x, tensorflow.integer(axis)], {
        ...tensorflow.typed(x),
        Tidx: tensorflow.INT32,
        output_type: tensorflow.INT32,
      }),
  }),
  {
    name: 'Softmax',
    infer: ([x]) => x,
    onnx: ({ inputs: [x] }) => onnx.op('Softmax', [x], { axis: -1 }),
    tensorflow: 'Softmax',
  },
];
