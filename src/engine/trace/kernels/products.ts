/** Products of matrices. */

import * as onnx from '../../onnx/operation.ts';
import * as tensorflow from '../../tensorflow/operation.ts';
import { tf } from '../../tensors.ts';
import type { Graph, Node, Operands, Value } from '../graph.ts';
import { type Kernel, kernel } from '../kernel.ts';

const { typed } = tensorflow;

/**
 * The product of the last two axes. `simplify` may add a third input: what is added to a product of matrices.
 */
type Product = Node<ProductAttributes, Operands<Value, 2>>;

interface ProductAttributes extends tf.BatchMatMulAttrs {
  /** Whether both factors are rounded to bfloat16 first, which `roundProducts` says. */
  readonly isRounded?: boolean;
}

/** The graph with the factors of its products rounded to bfloat16. */
export function roundProducts(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) =>
    node.kernel === 'BatchMatMul' ? { ...node, attrs: { ...node.attrs, isRounded: true } } : node,
  );
  return { ...graph, nodes };
}

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
  const product = node.attrs.isRounded ? roundedProduct(node) : plainProduct(node, [a, b], typed(a));
  // TensorFlow fuses a BiasAdd into the product before it.
  return addend
    ? tensorflow.op(addend.shape.length === 1 ? 'BiasAdd' : 'AddV2', [product, addend], typed(a))
    : product;
}

function plainProduct(
  node: Product,
  factors: readonly tensorflow.TensorFlowOperand[],
  type: Readonly<Record<'T', tensorflow.TensorFlowAttribute>>,
): tensorflow.TensorFlowOperation {
  const [first, second] = [
    { bool: Boolean(node.attrs.transposeA) },
    { bool: Boolean(node.attrs.transposeB) },
  ];
  return isOfMatrices(node)
    ? tensorflow.op('MatMul', factors, { ...type, transpose_a: first, transpose_b: second })
    : tensorflow.op('BatchMatMulV2', factors, { ...type, adj_x: first, adj_y: second });
}

const [FLOAT, BFLOAT16] = [tensorflow.FLOAT, { type: 'bfloat16' }] as const;

function roundedProduct(node: Product): tensorflow.TensorFlowOperation {
  const cast = (
    value: tensorflow.TensorFlowOperand,
    SrcT: tensorflow.TensorFlowAttribute,
    DstT: tensorflow.TensorFlowAttribute,
  ) => tensorflow.op('Cast', [value], { SrcT, DstT });
  const factors = node.inputs.slice(0, 2).map((value) => cast(value, FLOAT, BFLOAT16));
  return cast(plainProduct(node, factors, { T: BFLOAT16 }), BFLOAT16, FLOAT);
}

export const PRODUCTS: readonly Kernel[] = [
  kernel<ProductAttributes, 2>({
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
