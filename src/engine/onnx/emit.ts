/** A traced step as an ONNX model (opset 18): one small emitter a kernel. */

import { UnknownKernel } from '../trace/compiler.ts';
import type { Graph, Node, Value, ValueType } from '../trace/graph.ts';
import { numbersOfRange, reducedAxes, splitOf } from '../trace/infer.ts';
import { ProtoWriter } from '../trace/protobuf.ts';

const OPSET = 18;
const IR_VERSION = 9;
/** ONNX's numbers for element types. */
const TYPES: Record<ValueType, number> = { float32: 1, int32: 6, bool: 9 };
const INT64 = 7;
const FLOAT = 1;

/** The numbers of ONNX's attribute types. */
const ATTRIBUTE = { integer: 2, string: 3, integers: 7 };
type AttributeValue = number | string | readonly number[];

export interface OnnxModel {
  readonly bytes: Uint8Array;
  /** For each graph input its name in the model; undefined where the step does not use it. */
  readonly inputs: readonly (string | undefined)[];
  /** For each graph output its name in the model. */
  readonly outputs: readonly string[];
}

export function emitOnnx(graph: Graph): OnnxModel {
  return new Emitter(graph).emit();
}

const RENAMED: Readonly<Record<string, string>> = {
  Add: 'Add',
  Sub: 'Sub',
  Multiply: 'Mul',
  RealDiv: 'Div',
  Maximum: 'Max',
  Minimum: 'Min',
  Pow: 'Pow',
  Neg: 'Neg',
  Exp: 'Exp',
  Log: 'Log',
  Sqrt: 'Sqrt',
  Sigmoid: 'Sigmoid',
  Cos: 'Cos',
  Sin: 'Sin',
  Abs: 'Abs',
  Equal: 'Equal',
  Greater: 'Greater',
  GreaterEqual: 'GreaterOrEqual',
  Less: 'Less',
  LessEqual: 'LessOrEqual',
  LogicalAnd: 'And',
  LogicalNot: 'Not',
  Select: 'Where',
  AddN: 'Sum',
};

type Emit = (emitter: Emitter, node: Node, output: string) => void;

const EMITTERS: Readonly<Record<string, Emit>> = {
  ...Object.fromEntries(
    Object.entries(RENAMED).map(([kernel, operator]) => [
      kernel,
      (to: Emitter, node: Node, output: string) =>
        to.node(
          operator,
          node.inputs.map((value) => to.name(value)),
          [output],
        ),
    ]),
  ),
  Square: (to, { inputs: [x] }, output) => to.node('Mul', [to.name(x), to.name(x)], [output]),
  Rsqrt: (to, { inputs: [x] }, output) =>
    to.node('Reciprocal', [to.node('Sqrt', [to.name(x)], [to.fresh()])], [output]),
  NotEqual: (to, { inputs: [a, b] }, output) =>
    to.node('Not', [to.node('Equal', [to.name(a), to.name(b)], [to.fresh()])], [output]),
  Cast: (to, { inputs: [x], outputs: [y] }, output) =>
    to.node('Cast', [to.name(x)], [output], { to: TYPES[y.dtype] }),
  Reshape: (to, { inputs: [x], outputs: [y] }, output) =>
    to.node('Reshape', [to.name(x), to.integers(y.shape)], [output]),
  ExpandDims: (to, { inputs: [x], outputs: [y] }, output) =>
    to.node('Reshape', [to.name(x), to.integers(y.shape)], [output]),
  BroadcastTo: (to, { inputs: [x], outputs: [y] }, output) =>
    to.node('Expand', [to.name(x), to.integers(y.shape)], [output]),
  Transpose: (to, { inputs: [x], attrs }, output) =>
    to.node('Transpose', [to.name(x)], [output], { perm: attrs.perm as number[] }),
  Concat: (to, { inputs, attrs }, output) =>
    to.node(
      'Concat',
      inputs.map((value) => to.name(value)),
      [output],
      { axis: attrs.axis as number },
    ),
  Slice: (to, { inputs: [x], attrs, outputs: [y] }, output) => {
    const begin = attrs.begin as number[];
    const end = begin.map((start, i) => start + y.shape[i]);
    to.node('Slice', [to.name(x), to.integers(begin), to.integers(end)], [output]);
  },
  SplitV: (to, node) => {
    const { axis, sizes } = splitOf(node);
    to.node(
      'Split',
      [to.name(node.inputs[0]), to.integers(sizes)],
      node.outputs.map((value) => to.name(value)),
      { axis },
    );
  },
  PadV2: (to, { inputs: [x], attrs }, output) => {
    const paddings = attrs.paddings as number[][];
    to.node(
      'Pad',
      [
        to.name(x),
        to.integers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]),
        to.float((attrs.constantValue as number) ?? 0),
      ],
      [output],
    );
  },
  Tile: (to, { inputs: [x], attrs }, output) =>
    to.node('Tile', [to.name(x), to.integers(attrs.reps as number[])], [output]),
  Sum: (to, node, output) => to.reduce('ReduceSum', node, output),
  SumOfSquares: (to, node, output) => to.reduce('ReduceSumSquare', node, output),
  Mean: (to, node, output) => to.reduce('ReduceMean', node, output),
  Max: (to, node, output) => to.reduce('ReduceMax', node, output),
  ArgMax: (to, { inputs: [x], attrs }, output) => {
    const found = to.node('ArgMax', [to.name(x)], [to.fresh()], { axis: attrs.axis as number, keepdims: 0 });
    to.node('Cast', [found], [output], { to: TYPES.int32 });
  },
  Softmax: (to, { inputs: [x] }, output) => to.node('Softmax', [to.name(x)], [output], { axis: -1 }),
  GatherV2: (to, { inputs: [x, indices], attrs }, output) =>
    to.node('Gather', [to.name(x), to.name(indices)], [output], { axis: (attrs.axis as number) ?? 0 }),
  SegmentAdd: (to, { inputs: [x, ids, updates], attrs }, output) => {
    const added = attrs.negate ? to.node('Neg', [to.name(updates)], [to.fresh()]) : to.name(updates);
    to.scatter(to.name(x), ids, updates.shape, added, output);
  },
  UnsortedSegmentSum: (to, { inputs: [x, ids], outputs: [y] }, output) => {
    to.scatter(to.filled(y.shape, 0), ids, x.shape, to.name(x), output);
  },
  OneHot: (to, { inputs: [indices], attrs }, output) => {
    const values = to.constant(
      [2],
      FLOAT,
      Float32Array.of(attrs.offValue as number, attrs.onValue as number),
    );
    const depth = to.constant([], TYPES.int32, Int32Array.of(attrs.depth as number));
    to.node('OneHot', [to.name(indices), depth, values], [output], { axis: -1 });
  },
  ZerosLike: (to, { outputs: [y] }, output) => to.node('Identity', [to.filled(y.shape, 0)], [output]),
  OnesLike: (to, { outputs: [y] }, output) => to.node('Identity', [to.filled(y.shape, 1)], [output]),
  Fill: (to, { attrs, outputs: [y] }, output) =>
    to.node('Identity', [to.filled(y.shape, attrs.value as number)], [output]),
  Range: (to, node, output) => {
    const [{ shape, dtype }] = node.outputs;
    to.node('Identity', [to.constant(shape, TYPES[dtype], numbersOfRange(node))], [output]);
  },
  BatchMatMul: (to, node, output) => to.matMul(node, output),
};

class Emitter {
  readonly #graph: Graph;
  readonly #nodes: ProtoWriter[] = [];
  readonly #initializers = new Map<string, ProtoWriter>();
  readonly #constants = new Map<object, string>();
  readonly #used = new Set<string>();
  #temporaries = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  emit(): OnnxModel {
    for (const node of this.#graph.nodes) {
      const emitter = EMITTERS[node.kernel];
      if (!emitter) throw new UnknownKernel(node.kernel, 'ONNX');
      emitter(this, node, this.name(node.outputs[0]));
    }
    const outputs = this.#graph.outputs.map((value, i) => this.#output(value, i));
    const inputs = this.#graph.inputs.map((value) =>
      this.#used.has(`v${value.id}`) ? `v${value.id}` : undefined,
    );
    return { bytes: this.#model(inputs, outputs), inputs, outputs };
  }

  /** The name of an output. One that is an input, a constant or another output too gets a node and a name of its own. */
  #output(value: Value, index: number): string {
    const isMade = this.#graph.nodes.some(({ outputs }) => outputs.includes(value));
    const isFirst = this.#graph.outputs.indexOf(value) === index;
    return isMade && isFirst ? this.name(value) : this.node('Identity', [this.name(value)], [`out${index}`]);
  }

  /** The name of a value; a constant becomes an initializer when it is first named. */
  name(value: Value): string {
    if (!value.constant) {
      this.#used.add(`v${value.id}`);
      return `v${value.id}`;
    }
    const known = this.#constants.get(value.constant);
    if (known) return known;
    const name =
      value.constant.length === 1 && value.dtype === 'float32' && value.shape.length === 0
        ? this.float(value.constant[0])
        : this.constant(value.shape, TYPES[value.dtype], value.constant);
    this.#constants.set(value.constant, name);
    return name;
  }

  /** Adds a node; returns its first output. */
  node(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    domain = '',
  ): string {
    const writer = new ProtoWriter();
    for (const input of inputs) writer.text(1, input);
    for (const output of outputs) writer.text(2, output);
    writer.text(3, `n${this.#nodes.length}`).text(4, operator);
    for (const [name, value] of Object.entries(attributes)) writer.message(5, attribute(name, value));
    if (domain) writer.text(7, domain);
    this.#nodes.push(writer);
    return outputs[0];
  }

  fresh(): string {
    return `t${this.#temporaries++}`;
  }

  reduce(operator: string, { inputs: [x], attrs }: Node, output: string): void {
    const axes = reducedAxes(x, attrs);
    if (axes.length === 0) this.node('Identity', [this.name(x)], [output]);
    else
      this.node(operator, [this.name(x), this.integers(axes)], [output], {
        keepdims: attrs.keepDims ? 1 : 0,
      });
  }

  /** Adds rows of updates to the rows of `data` that ids name. Not ScatterND: with `add` it races on duplicate indices. */
  scatter(data: string, ids: Value, shape: readonly number[], updates: string, output: string): void {
    const column = this.node(
      'Reshape',
      [this.name(ids), this.integers([...ids.shape, ...shape.slice(ids.shape.length).map(() => 1)])],
      [this.fresh()],
    );
    const indices = this.node('Expand', [column, this.integers(shape)], [this.fresh()]);
    this.node('ScatterElements', [data, indices, updates], [output], { axis: 0, reduction: 'add' });
  }

  matMul({ inputs: [a, b, ...addend], attrs }: Node, output: string): void {
    const [transA, transB] = [Number(Boolean(attrs.transposeA)), Number(Boolean(attrs.transposeB))];
    const names = [a, b, ...addend].map((value) => this.name(value));
    if (a.shape.length === 2 && b.shape.length === 2) this.node('Gemm', names, [output], { transA, transB });
    else if (transA || transB) this.node('FusedMatMul', names, [output], { transA, transB }, 'com.microsoft');
    else this.node('MatMul', names, [output]);
  }

  /** A list of int64, as ONNX wants shapes and axes. */
  integers(values: readonly number[]): string {
    return this.#initializer(
      `i_${values.join('_')}`,
      [values.length],
      INT64,
      BigInt64Array.from(values, BigInt),
    );
  }

  float(value: number): string {
    return this.#initializer(`f_${value}`, [], FLOAT, Float32Array.of(value));
  }

  /** A tensor of one number repeated, made when the model runs: it takes no room in the file. */
  filled(shape: readonly number[], value: number): string {
    return this.node('Expand', [this.float(value), this.integers(shape)], [this.fresh()]);
  }

  constant(shape: readonly number[], type: number, values: ArrayBufferView): string {
    return this.#initializer(`c${this.#initializers.size}`, shape, type, values);
  }

  #initializer(name: string, dims: readonly number[], type: number, values: ArrayBufferView): string {
    if (this.#initializers.has(name)) return name;
    const tensor = new ProtoWriter();
    for (const dim of dims) tensor.integer(1, dim);
    tensor
      .integer(2, type)
      .text(8, name)
      .bytes(
        9,
        new Uint8Array(values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength)),
      );
    this.#initializers.set(name, tensor);
    return name;
  }

  #model(inputs: readonly (string | undefined)[], outputs: readonly string[]): Uint8Array {
    const graph = new ProtoWriter();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, 'step');
    for (const initializer of this.#initializers.values()) graph.message(5, initializer);
    inputs.forEach((name, i) => {
      if (name !== undefined) graph.message(11, valueInfo(name, this.#graph.inputs[i]));
    });
    outputs.forEach((name, i) => {
      graph.message(12, valueInfo(name, this.#graph.outputs[i]));
    });
    const opset = (domain: string, version: number) => new ProtoWriter().text(1, domain).integer(2, version);
    const model = new ProtoWriter().integer(1, IR_VERSION).text(2, 'calm').message(7, graph);
    return model.message(8, opset('', OPSET)).message(8, opset('com.microsoft', 1)).finish();
  }
}

function attribute(name: string, value: AttributeValue): ProtoWriter {
  const writer = new ProtoWriter().text(1, name);
  if (typeof value === 'string') return writer.bytes(4, Buffer.from(value)).integer(20, ATTRIBUTE.string);
  if (typeof value === 'number') return writer.integer(3, value).integer(20, ATTRIBUTE.integer);
  for (const number of value) writer.integer(8, number);
  return writer.integer(20, ATTRIBUTE.integers);
}

/** Name, type and shape of a graph input or output. */
function valueInfo(name: string, { dtype, shape }: Value): ProtoWriter {
  const dimensions = new ProtoWriter();
  for (const size of shape) dimensions.message(1, new ProtoWriter().integer(1, size));
  const tensorType = new ProtoWriter().integer(1, TYPES[dtype]).message(2, dimensions);
  return new ProtoWriter().text(1, name).message(2, new ProtoWriter().message(1, tensorType));
}
