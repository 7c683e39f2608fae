/** Kernels that take numbers one by one: arithmetic, comparisons, logic, choices, casts. */

import * as onnx from '../../onnx/operation.ts';
import * as tensorflow from '../../tensorflow/operation.ts';
import { tf } from '../../tensors.ts';
import type { Attributes, Described, Operands, ValueType } from '../graph.ts';
import { type Kernel, kernel } from '../kernel.ts';

const same = ([x]: Operands<Described>) => x;

/** Two operands against each other; one alone keeps its shape. */
const broadcast = ([a, b = a]: Operands<Described>) => ({ shape: broadcastShape(a, b), dtype: a.dtype });

const compare = ([a, b = a]: Operands<Described>) => ({
  shape: broadcastShape(a, b),
  dtype: 'bool' as const,
});

function broadcastShape(a: Described, b: Described): number[] {
  return tf.broadcast_util.assertAndGetBroadcastShape(a.shape as number[], b.shape as number[]);
}

export const ELEMENTWISE: readonly Kernel[] = [
  { name: 'Add', infer: broadcast, onnx: 'Add', tensorflow: 'AddV2' },
  { name: 'Sub', infer: broadcast, onnx: 'Sub', tensorflow: 'Sub' },
  { name: 'Multiply', infer: broadcast, onnx: 'Mul', tensorflow: 'Mul' },
  { name: 'RealDiv', infer: broadcast, onnx: 'Div', tensorflow: 'RealDiv' },
  { name: 'Maximum', infer: broadcast, onnx: 'Max', tensorflow: 'Maximum' },
  { name: 'Minimum', infer: broadcast, onnx: 'Min', tensorflow: 'Minimum' },
  { name: 'Pow', infer: broadcast, onnx: 'Pow', tensorflow: 'Pow' },

  { name: 'Identity', infer: same, onnx: 'Identity', tensorflow: 'Identity' },
  { name: 'Neg', infer: same, onnx: 'Neg', tensorflow: 'Neg' },
  { name: 'Abs', infer: same, onnx: 'Abs', tensorflow: 'Abs' },
  { name: 'Exp', infer: same, onnx: 'Exp', tensorflow: 'Exp' },
  { name: 'Log', infer: same, onnx: 'Log', tensorflow: 'Log' },
  { name: 'Sqrt', infer: same, onnx: 'Sqrt', tensorflow: 'Sqrt' },
  { name: 'Sigmoid', infer: same, onnx: 'Sigmoid', tensorflow: 'Sigmoid' },
  { name: 'Cos', infer: same, onnx: 'Cos', tensorflow: 'Cos' },
  { name: 'Sin', infer: same, onnx: 'Sin', tensorflow: 'Sin' },
  {
    name: 'Rsqrt',
    infer: same,
    onnx: ({ inputs: [x] }) => onnx.op('Reciprocal', [onnx.op('Sqrt', [x])]),
    tensorflow: 'Rsqrt',
  },
  {
    name: 'Square',
    infer: same,
    onnx: ({ inputs: [x] }) => onnx.op('Mul', [x, x]),
    tensorflow: 'Square',
  },
  {
    name: 'AddN',
    infer: same,
    onnx: 'Sum',
    tensorflow: ({ inputs }) =>
      tensorflow.op('AddN', inputs, { ...tensorflow.typed(inputs[0]), N: { int: inputs.length } }),
  },

  { name: 'Equal', infer: compare, onnx: 'Equal', tensorflow: 'Equal' },
  {
    name: 'NotEqual',
    infer: compare,
    onnx: ({ inputs }) => onnx.op('Not', [onnx.op('Equal', inputs)]),
    tensorflow: 'NotEqual',
  },
  { name: 'Greater', infer: compare, onnx: 'Greater', tensorflow: 'Greater' },
  { name: 'GreaterEqual', infer: compare, onnx: 'GreaterOrEqual', tensorflow: 'GreaterEqual' },
  { name: 'Less', infer: compare, onnx: 'Less', tensorflow: 'Less' },
  { name: 'LessEqual', infer: compare, onnx: 'LessOrEqual', tensorflow: 'LessEqual' },
  {
    name: 'LogicalAnd',
    infer: compare,
    onnx: 'And',
    tensorflow: ({ inputs }) => tensorflow.op('LogicalAnd', inputs),
  },
  {
    name: 'LogicalNot',
    infer: same,
    onnx: 'Not',
    tensorflow: ({ inputs }) => tensorflow.op('LogicalNot', inputs),
  },
  kernel<Attributes, 3>({
    name: 'Select',
    operands: ['condition', 't', 'e'],
    infer: ([condition, chosen, other]) => ({
      shape: condition.shape.length === chosen.shape.length ? broadcastShape(chosen, other) : chosen.shape,
      dtype: chosen.dtype,
    }),
    onnx: 'Where',
    tensorflow: ({ inputs, outputs: [y] }) => tensorflow.op('SelectV2', inputs, tensorflow.typed(y)),
  }),
  kernel<{ dtype: ValueType }>({
    name: 'Cast',
    infer: ([x], { dtype }) => ({ shape: x.shape, dtype }),
    onnx: ({ inputs: [x], outputs: [y] }) => onnx.cast(x, y.dtype),
    tensorflow: ({ inputs: [x], outputs: [y] }) =>
      tensorflow.op('Cast', [x], { SrcT: { type: x.dtype }, DstT: { type: y.dtype } }),
  }),
];
