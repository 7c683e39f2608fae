/** Writes a traced step as a TensorFlow graph, by the TensorFlow forms of its kernels. */

import { elementAt } from '../../elements.ts';
import type { Graph, Node, Value } from '../trace/graph.ts';
import { formOf } from '../trace/kernels/index.ts';
import { isOperation, isValue, type Literal } from '../trace/operation.ts';
import type { ProtoWriter } from '../trace/protobuf.ts';
import { graphBytes, nodeMessage, type WrittenAttribute } from './messages.ts';
import {
  op,
  type TensorFlowAttribute,
  type TensorFlowOperand,
  type TensorFlowOperation,
  typed,
} from './operation.ts';

/** Literals up to this size are compared by their numbers, larger ones by identity. */
const SHARED_BYTES = 256;

export interface TensorFlowGraph {
  /** A GraphDef. */
  readonly bytes: Uint8Array;
  /** For each graph input its name; undefined where the step does not use it. */
  readonly inputs: readonly (string | undefined)[];
  readonly outputs: readonly string[];
}

export function emitTensorFlow(graph: Graph): TensorFlowGraph {
  const writer = new GraphWriter();
  const used = new Set([...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs]);
  const inputs = graph.inputs.map((value) =>
    used.has(value) && !value.constant ? writer.addInput(value) : undefined,
  );
  for (const node of graph.nodes) writer.add(node);
  // A session will not fetch what it was fed, nor one tensor twice.
  const seen = new Set<string | undefined>(inputs);
  const outputs = graph.outputs.map((value) => {
    const name = writer.operand(value);
    if (!seen.has(name) && !value.constant) return seen.add(name) && name;
    return writer.operand(op('Identity', [value], typed(value)));
  });
  return { bytes: writer.bytes(), inputs, outputs };
}

class GraphWriter {
  readonly #nodes: ProtoWriter[] = [];
  readonly #values = new Map<Value, string>();
  readonly #operations = new Map<TensorFlowOperation, string>();
  readonly #literals = new Map<string | object, string>();

  addInput(value: Value): string {
    const { shape, dtype } = value;
    const name = this.operand(op('Placeholder', [], { dtype: { type: dtype }, shape: { shape } }));
    this.#values.set(value, name);
    return name;
  }

  /** Adds what makes the outputs of a traced node. */
  add(node: Node): void {
    const form = formOf(node.kernel, 'tensorflow');
    const result =
      typeof form === 'string' ? op(form, node.inputs, typed(elementAt(node.inputs, 0))) : form(node);
    const names = 'length' in result ? result.map((each) => this.operand(each)) : [this.operand(result)];
    for (const [i, value] of node.outputs.entries()) this.#values.set(value, names[i] ?? `${names[0]}:${i}`);
  }

  /**
   * The name of an operand; what is not there yet is added. The name of a node is also that of its first
   * output.
   */
  operand(operand: TensorFlowOperand): string {
    if (isOperation(operand)) return this.#operations.get(operand) ?? this.#addOperation(operand);
    if (!isValue(operand)) return this.#literal(operand);
    const { constant, shape, dtype } = operand;
    return constant ? this.#literal({ shape, dtype, numbers: constant }) : this.#named(operand);
  }

  bytes(): Uint8Array {
    return graphBytes(this.#nodes);
  }

  #named(value: Value): string {
    return this.#values.get(value) as string;
  }

  #addOperation(operation: TensorFlowOperation): string {
    const { operator, operands, after } = operation;
    const inputs = operands.map((operand) => this.operand(operand));
    const before = after.map((each) => `^${this.operand(each)}`);
    const number = this.#operations.size;
    const name = `n${number}`;
    const attributes = Object.fromEntries(
      Object.entries(operation.attributes).map(([key, value]) => [key, written(value, number)]),
    );
    this.#nodes.push(nodeMessage({ name, operator, inputs: [...inputs, ...before], attributes }));
    this.#operations.set(operation, name);
    return name;
  }

  /** A constant; equal ones are made once. */
  #literal(literal: Literal): string {
    const { shape, dtype, numbers } = literal;
    const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    const key = bytes.length <= SHARED_BYTES ? `${dtype}[${shape}]${bytes.toString('base64')}` : numbers;
    const known = this.#literals.get(key);
    if (known !== undefined) return known;
    const name = `c${this.#literals.size}`;
    const attributes = { dtype: { type: dtype }, value: { tensor: literal } } as const;
    this.#nodes.push(
      nodeMessage({
        name,
        operator: 'Const',
        inputs: [],
        attributes: attributes as Record<string, WrittenAttribute>,
      }),
    );
    this.#literals.set(key, name);
    return name;
  }
}

function written(attribute: TensorFlowAttribute, number: number): WrittenAttribute {
  return 'unique' in attribute ? { text: `${attribute.unique}${number}` } : attribute;
}
