/** Products of matrices. */

import * as onnx from '../../onnx/operation.ts';
import * as tensorflow from '../../tensorflow/operation.ts';
import { tf } from '../../tensors.ts';
import type { Node, Operands, Value } from '../graph.ts';
import { type Kernel, kernel } from '../kernel.ts';

const { typed } = tensorflow;

/**
 * The product of the last two axes. `simplify` may add a third input: what is added to a product of matrices.
 */
type Product = Node<tf.BatchMatMulAttrs, Operands<Value, 2>>;

const isOfMatrices = ({ inputs: [a, b] }: Product) => a.shape.length === 2 && b.shape.length === 2;

function onnxProduct(node: Product): onnx.OnnxOperation {
  const { inputs, attrs } = node;
  const transposed = { transA: Number(Boolean(attrs.transposeA)), transB: Number(Boolean(attrs.transposeB)) };
  if (isOfMatrices(node)) return onnx.op('Gemm', inputs, transposed);
  return attrs.transposeA || attrs.transposeB
    ? onnx.op('com.microsoft.FusedMatMul', inputs, transposed)
    : onnx.op('MatMul', inputs);
}

function tensorFlowProduct(node: Product): tensorflow.TensorFlowOperation {
  const [a, b, addend] = node.inputs;
  const [first, second] = [
    { bool: Boolean(node.attrs.transposeA) },
    { bool: Boolean(node.attrs.transposeB) },
  ];
  if (!isOfMatrices(node))
    return tensorflow.op('BatchMatMulV2', [a, b], { ...typed(a), adj_x: first, adj_y: second });
  const product = tensorflow.op('MatMul', [a, b], { ...typed(a), transpose_a: first, transpose_b: second });
  // TensorFlow fuses a BiasAdd into the product before it.
  return addend
    ? tensorflow.op(addend.shape.length === 1 ? 'BiasAdd' : 'AddV2', [product, addend], typed(a))
    : product;
}

export const PRODUCTS: readonly Kernel[] = [
  kernel<tf.BatchMatMulAttrs, 2>({
    name: 'BatchMatMul',
    operands: ['a', 'b'],
    infer: ([a, b], { transposeA, transposeB }) => {
      const batch = tf.broadcast_util.assertAndGetBroadcastShape(
        a.shape.slice(0, -2) as number[],
        b.shape.slice(0, -2) as number[],
      );
      const [rows, columns] = [a.shape.at(transposeA ? -1 : -2), b.shape.at(transposeB ? -2 : -1)];
      return { shape: [...batch, rows as number, columns as number], dtype: 'float32' };
    },
    onnx: onnxProduct,
    tensorflow: tensorFlowProduct,
  }),
];
