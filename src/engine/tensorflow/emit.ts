/** A traced step as a TensorFlow graph: one small emitter a kernel. */

import { ADAMW, type AdamWAttributes } from '../kernels/adamw.ts';
import { UnknownKernel } from '../trace/compiler.ts';
import type { Graph, Node, Value, ValueType } from '../trace/graph.ts';
import { numbersOfRange, reducedAxes, splitOf } from '../trace/infer.ts';
import { ProtoWriter } from '../trace/protobuf.ts';

/** TensorFlow's numbers for element types. */
const TYPES: Record<ValueType, number> = { float32: 1, int32: 3, bool: 10 };
const [FLOAT, INT32] = [TYPES.float32, TYPES.int32];
/** The version of graphs that is written; older ones would be upgraded on loading. */
const PRODUCER = 1900;

/** Constants up to this size are compared by their numbers, larger ones by identity. */
const SHARED_BYTES = 256;

export interface TensorFlowGraph {
  /** A GraphDef. */
  readonly bytes: Uint8Array;
  /** For each graph input its name; undefined where the step does not use it. */
  readonly inputs: readonly (string | undefined)[];
  readonly outputs: readonly string[];
}

/** An attribute of a node, by the kind that TensorFlow wants. */
type Attribute =
  | { type: number }
  | { int: number }
  | { float: number }
  | { bool: boolean }
  | { text: string }
  | { shape: readonly number[] };

export function emitTensorFlow(graph: Graph): TensorFlowGraph {
  return new Emitter(graph).emit();
}

type Emit = (to: Emitter, node: Node) => void;

/** Kernels that are one operator on operands of one type. */
const ELEMENTWISE: Readonly<Record<string, string>> = {
  Add: 'AddV2',
  Sub: 'Sub',
  Multiply: 'Mul',
  RealDiv: 'RealDiv',
  Maximum: 'Maximum',
  Minimum: 'Minimum',
  Pow: 'Pow',
  Neg: 'Neg',
  Exp: 'Exp',
  Log: 'Log',
  Sqrt: 'Sqrt',
  Rsqrt: 'Rsqrt',
  Square: 'Square',
  Sigmoid: 'Sigmoid',
  Cos: 'Cos',
  Sin: 'Sin',
  Abs: 'Abs',
  Equal: 'Equal',
  NotEqual: 'NotEqual',
  Greater: 'Greater',
  GreaterEqual: 'GreaterEqual',
  Less: 'Less',
  LessEqual: 'LessEqual',
  Softmax: 'Softmax',
};

const typed = ({ dtype }: Value): { T: Attribute } => ({ T: { type: TYPES[dtype] } });

const EMITTERS: Readonly<Record<string, Emit>> = {
  ...Object.fromEntries(
    Object.entries(ELEMENTWISE).map(([kernel, operator]): [string, Emit] => [
      kernel,
      (to, node) => to.simple(operator, node),
    ]),
  ),
  LogicalAnd: (to, node) => to.named(node, 'LogicalAnd', to.names(node.inputs)),
  LogicalNot: (to, node) => to.named(node, 'LogicalNot', to.names(node.inputs)),
  Select: (to, node) => to.named(node, 'SelectV2', to.names(node.inputs), typed(node.outputs[0])),
  AddN: (to, node) =>
    to.named(node, 'AddN', to.names(node.inputs), {
      ...typed(node.inputs[0]),
      N: { int: node.inputs.length },
    }),
  Cast: (to, node) =>
    to.named(node, 'Cast', to.names(node.inputs), {
      SrcT: { type: TYPES[node.inputs[0].dtype] },
      DstT: { type: TYPES[node.outputs[0].dtype] },
    }),
  Reshape: (to, node) => to.reshape(node),
  ExpandDims: (to, node) => to.reshape(node),
  BroadcastTo: (to, node) =>
    to.named(node, 'BroadcastTo', [to.name(node.inputs[0]), to.integers(node.outputs[0].shape)], {
      ...typed(node.inputs[0]),
      Tidx: { type: INT32 },
    }),
  Transpose: (to, node) =>
    to.named(node, 'Transpose', [to.name(node.inputs[0]), to.integers(node.attrs.perm as number[])], {
      ...typed(node.inputs[0]),
      Tperm: { type: INT32 },
    }),
  Concat: (to, node) =>
    to.named(node, 'ConcatV2', [...to.names(node.inputs), to.integer(node.attrs.axis as number)], {
      ...typed(node.inputs[0]),
      N: { int: node.inputs.length },
      Tidx: { type: INT32 },
    }),
  Slice: (to, node) =>
    to.named(
      node,
      'Slice',
      [
        to.name(node.inputs[0]),
        to.integers(node.attrs.begin as number[]),
        to.integers(node.outputs[0].shape),
      ],
      {
        ...typed(node.inputs[0]),
        Index: { type: INT32 },
      },
    ),
  SplitV: (to, node) => {
    const { axis, sizes } = splitOf(node);
    to.named(node, 'SplitV', [to.name(node.inputs[0]), to.integers(sizes), to.integer(axis)], {
      ...typed(node.inputs[0]),
      Tlen: { type: INT32 },
      num_split: { int: sizes.length },
    });
  },
  PadV2: (to, node) => {
    const paddings = node.attrs.paddings as number[][];
    const inputs = [
      to.name(node.inputs[0]),
      to.integers(paddings.flat(), [paddings.length, 2]),
      to.float((node.attrs.constantValue as number) ?? 0),
    ];
    to.named(node, 'PadV2', inputs, { ...typed(node.inputs[0]), Tpaddings: { type: INT32 } });
  },
  Tile: (to, node) =>
    to.named(node, 'Tile', [to.name(node.inputs[0]), to.integers(node.attrs.reps as number[])], {
      ...typed(node.inputs[0]),
      Tmultiples: { type: INT32 },
    }),
  Sum: (to, node) => to.reduce('Sum', node, to.name(node.inputs[0])),
  Mean: (to, node) => to.reduce('Mean', node, to.name(node.inputs[0])),
  Max: (to, node) => to.reduce('Max', node, to.name(node.inputs[0])),
  SumOfSquares: (to, node) => {
    const [x] = node.inputs;
    // L2Loss is half the sum, in one pass.
    if (node.outputs[0].shape.length > 0) to.reduce('Sum', node, to.node('Square', [to.name(x)], typed(x)));
    else to.named(node, 'Mul', [to.node('L2Loss', [to.name(x)], typed(x)), to.float(2)], typed(x));
  },
  ArgMax: (to, node) =>
    to.named(node, 'ArgMax', [to.name(node.inputs[0]), to.integer(node.attrs.axis as number)], {
      ...typed(node.inputs[0]),
      Tidx: { type: INT32 },
      output_type: { type: INT32 },
    }),
  GatherV2: (to, node) =>
    to.named(node, 'GatherV2', [...to.names(node.inputs), to.integer((node.attrs.axis as number) ?? 0)], {
      Tparams: { type: TYPES[node.inputs[0].dtype] },
      Tindices: { type: INT32 },
      Taxis: { type: INT32 },
    }),
  UnsortedSegmentSum: (to, node) =>
    to.named(
      node,
      'UnsortedSegmentSum',
      [...to.names(node.inputs), to.integer(node.attrs.numSegments as number)],
      {
        ...typed(node.inputs[0]),
        Tindices: { type: INT32 },
        Tnumsegments: { type: INT32 },
      },
    ),
  SegmentAdd: (to, node) => {
    const [x, ids, updates] = node.inputs;
    const column = to.node('Reshape', [to.name(ids), to.integers([...ids.shape, 1])], {
      T: { type: INT32 },
      Tshape: { type: INT32 },
    });
    const operator = node.attrs.negate ? 'TensorScatterSub' : 'TensorScatterAdd';
    to.named(node, operator, [to.name(x), column, to.name(updates)], {
      ...typed(x),
      Tindices: { type: INT32 },
    });
  },
  OneHot: (to, node) => {
    const inputs = [
      to.name(node.inputs[0]),
      to.integer(node.attrs.depth as number),
      to.float(node.attrs.onValue as number),
      to.float(node.attrs.offValue as number),
    ];
    to.named(node, 'OneHot', inputs, { ...typed(node.outputs[0]), TI: { type: INT32 }, axis: { int: -1 } });
  },
  ZerosLike: (to, node) => to.fill(node, 0),
  OnesLike: (to, node) => to.fill(node, 1),
  Fill: (to, node) => to.fill(node, node.attrs.value as number),
  Range: (to, node) => {
    const [output] = node.outputs;
    to.alias(output, to.constant(output.shape, output.dtype, numbersOfRange(node)));
  },
  BatchMatMul: (to, node) => to.matMul(node),
  [ADAMW]: (to, node) => to.adamW(node),
};

class Emitter {
  readonly #graph: Graph;
  readonly #nodes: ProtoWriter[] = [];
  readonly #names = new Map<Value, string>();
  readonly #constants = new Map<string | ArrayBufferView, string>();
  #count = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  emit(): TensorFlowGraph {
    const used = new Set([...this.#graph.nodes.flatMap(({ inputs }) => inputs), ...this.#graph.outputs]);
    const inputs = this.#graph.inputs.map((value) =>
      used.has(value) && !value.constant ? this.#placeholder(value) : undefined,
    );
    for (const node of this.#graph.nodes) {
      const emitter = EMITTERS[node.kernel];
      if (!emitter) throw new UnknownKernel(node.kernel, 'TensorFlow');
      emitter(this, node);
    }
    // A session will not fetch what it was fed, nor one tensor twice.
    const seen = new Set<string | undefined>(inputs);
    const outputs = this.#graph.outputs.map((value) => {
      const name = this.name(value);
      if (!seen.has(name) && !value.constant) return seen.add(name) && name;
      return this.node('Identity', [name], typed(value));
    });
    const graph = new ProtoWriter();
    for (const node of this.#nodes) graph.message(1, node);
    graph.message(4, new ProtoWriter().integer(1, PRODUCER));
    return { bytes: graph.finish(), inputs, outputs };
  }

  name(value: Value): string {
    if (value.constant) return this.constant(value.shape, value.dtype, value.constant);
    return this.#names.get(value) as string;
  }

  names(values: readonly Value[]): string[] {
    return values.map((value) => this.name(value));
  }

  alias(value: Value, name: string): void {
    this.#names.set(value, name);
  }

  /** Adds a node; returns its name, which is also that of its first output. */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const name = `n${this.#count++}`;
    const writer = new ProtoWriter().text(1, name).text(2, operator);
    for (const input of inputs) writer.text(3, input);
    for (const [key, value] of Object.entries(attributes))
      writer.message(5, new ProtoWriter().text(1, key).message(2, attributeValue(value)));
    this.#nodes.push(writer);
    return name;
  }

  /** Adds the node that makes the outputs of a traced one. */
  named(
    { outputs }: Node,
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): void {
    const name = this.node(operator, inputs, attributes);
    outputs.forEach((value, i) => {
      this.#names.set(value, i === 0 ? name : `${name}:${i}`);
    });
  }

  simple(operator: string, node: Node): void {
    this.named(node, operator, this.names(node.inputs), typed(node.inputs[0]));
  }

  reshape(node: Node): void {
    this.named(node, 'Reshape', [this.name(node.inputs[0]), this.integers(node.outputs[0].shape)], {
      ...typed(node.inputs[0]),
      Tshape: { type: INT32 },
    });
  }

  reduce(operator: string, node: Node, input: string): void {
    const axes = this.integers(reducedAxes(node.inputs[0], node.attrs));
    this.named(node, operator, [input, axes], {
      ...typed(node.inputs[0]),
      Tidx: { type: INT32 },
      keep_dims: { bool: Boolean(node.attrs.keepDims) },
    });
  }

  fill(node: Node, value: number): void {
    const [output] = node.outputs;
    const number =
      output.dtype === 'int32'
        ? this.integer(value)
        : output.dtype === 'bool'
          ? this.constant([], 'bool', Uint8Array.of(value))
          : this.float(value);
    this.named(node, 'Fill', [this.integers(output.shape), number], {
      ...typed(output),
      index_type: { type: INT32 },
    });
  }

  matMul(node: Node): void {
    const [a, b, addend] = node.inputs;
    const [transposeA, transposeB] = [
      { bool: Boolean(node.attrs.transposeA) },
      { bool: Boolean(node.attrs.transposeB) },
    ];
    const names = [this.name(a), this.name(b)];
    const attributes = { ...typed(a), transpose_a: transposeA, transpose_b: transposeB };
    const isBatch = a.shape.length !== 2 || b.shape.length !== 2;
    if (isBatch)
      this.named(node, 'BatchMatMulV2', names, { ...typed(a), adj_x: transposeA, adj_y: transposeB });
    else if (!addend) this.named(node, 'MatMul', names, attributes);
    // TensorFlow fuses a BiasAdd into the product before it.
    else
      this.named(
        node,
        addend.shape.length === 1 ? 'BiasAdd' : 'AddV2',
        [this.node('MatMul', names, attributes), this.name(addend)],
        typed(a),
      );
  }

  /**
   * One fused update of resources that live for this run alone. `ResourceApplyAdam` has torch's ε where its own is scaled by √(1 − β₂ᵗ), and the step
   * size lr √(1 − β₂ᵗ)/(1 − β₁ᵗ) comes from the powers that it is given. A scale of 0 leaves everything as it is: β are 1 then, rate and gradient 0.
   */
  adamW(node: Node): void {
    const { beta1, beta2, epsilon, weightDecay } = node.attrs as unknown as AdamWAttributes;
    const [parameter, first, second, gradient, scale, fullRate, correction1, correction2] = this.names(
      node.inputs,
    );
    const float = { T: { type: FLOAT } };
    const isTaken = this.node('Greater', [scale, this.float(0)], float);
    const ifTaken = (value: string, otherwise: number) =>
      this.node('SelectV2', [isTaken, value, this.float(otherwise)], float);
    const rate = ifTaken(fullRate, 0);
    const decayed =
      weightDecay === 0
        ? parameter
        : this.node(
            'Mul',
            [
              parameter,
              this.node(
                'Sub',
                [this.float(1), this.node('Mul', [rate, this.float(weightDecay)], float)],
                float,
              ),
            ],
            float,
          );
    const clipped = ifTaken(this.node('Mul', [gradient, scale], float), 0);
    const { shape } = node.outputs[0];
    const handles = [decayed, first, second].map((value) => this.#resource(shape, value));
    const powers = [correction1, correction2].map((correction) =>
      this.node('Sub', [this.float(1), correction], float),
    );
    const scaledEpsilon = this.node(
      'Mul',
      [this.node('Sqrt', [correction2], float), this.float(epsilon)],
      float,
    );
    const inputs = [
      ...handles.map(({ handle }) => handle),
      ...powers,
      rate,
      ifTaken(this.float(beta1), 1),
      ifTaken(this.float(beta2), 1),
      scaledEpsilon,
      clipped,
    ];
    const assigned = handles.map(({ assign }) => `^${assign}`);
    const apply = this.node('ResourceApplyAdam', [...inputs, ...assigned], {
      ...float,
      use_locking: { bool: false },
      use_nesterov: { bool: false },
    });
    handles.forEach(({ handle }, i) => {
      this.#names.set(
        node.outputs[i],
        this.node('ReadVariableOp', [handle, `^${apply}`], { dtype: { type: FLOAT } }),
      );
    });
  }

  #resource(shape: readonly number[], value: string): { handle: string; assign: string } {
    const name = { text: `resource${this.#count}` };
    const handle = this.node('VarHandleOp', [], {
      dtype: { type: FLOAT },
      shape: { shape },
      shared_name: name,
      container: { text: '' },
    });
    return { handle, assign: this.node('AssignVariableOp', [handle, value], { dtype: { type: FLOAT } }) };
  }

  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.constant(shape, 'int32', Int32Array.from(values));
  }

  integer(value: number): string {
    return this.constant([], 'int32', Int32Array.of(value));
  }

  float(value: number): string {
    return this.constant([], 'float32', Float32Array.of(value));
  }

  /** A constant; equal ones are made once. */
  constant(shape: readonly number[], dtype: ValueType, values: ArrayBufferView): string {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const key =
      bytes.length <= SHARED_BYTES ? `${dtype}[${shape}]${Buffer.from(bytes).toString('base64')}` : values;
    const known = this.#constants.get(key);
    if (known) return known;
    const name = `c${this.#constants.size}`;
    const tensor = new ProtoWriter()
      .integer(1, TYPES[dtype])
      .message(2, shapeProto(shape))
      .bytes(4, bytes.slice());
    const attribute = (key: string, value: ProtoWriter) => new ProtoWriter().text(1, key).message(2, value);
    const writer = new ProtoWriter().text(1, name).text(2, 'Const');
    writer
      .message(5, attribute('dtype', attributeValue({ type: TYPES[dtype] })))
      .message(5, attribute('value', new ProtoWriter().message(8, tensor)));
    this.#nodes.push(writer);
    this.#constants.set(key, name);
    return name;
  }

  #placeholder(value: Value): string {
    const name = this.node('Placeholder', [], {
      dtype: { type: TYPES[value.dtype] },
      shape: { shape: value.shape },
    });
    this.#names.set(value, name);
    return name;
  }
}

function attributeValue(attribute: Attribute): ProtoWriter {
  const writer = new ProtoWriter();
  if ('type' in attribute) return writer.integer(6, attribute.type);
  if ('int' in attribute) return writer.integer(3, attribute.int);
  if ('float' in attribute) return writer.float(4, attribute.float);
  if ('bool' in attribute) return writer.integer(5, Number(attribute.bool));
  if ('text' in attribute) return writer.text(2, attribute.text);
  return writer.message(7, shapeProto(attribute.shape));
}

function shapeProto(shape: readonly number[]): ProtoWriter {
  const writer = new ProtoWriter();
  for (const size of shape) writer.message(2, new ProtoWriter().integer(1, size));
  return writer;
}
