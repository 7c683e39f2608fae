/** Writes a traced step as an ONNX model (opset 18), by the ONNX forms of its kernels. */

import { elementAt } from '../../elements.ts';
import type { Graph, Node, Value } from '../trace/graph.ts';
import { formOf } from '../trace/kernels/index.ts';
import { isOperation, isValue, type Literal } from '../trace/operation.ts';
import type { ProtoWriter } from '../trace/protobuf.ts';
import { modelBytes, nodeMessage, tensorMessage, valueMessage } from './messages.ts';
import { type OnnxOperand, type OnnxOperation, op } from './operation.ts';

export interface OnnxModel {
  readonly bytes: Uint8Array;
  /** For each graph input its name in the model; undefined where the step does not use it. */
  readonly inputs: readonly (string | undefined)[];
  /** For each graph output its name in the model. */
  readonly outputs: readonly string[];
}

export function emitOnnx(graph: Graph): OnnxModel {
  const model = new ModelWriter();
  for (const node of graph.nodes) model.add(node);
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const outputs = graph.outputs.map((value, i) => {
    // What is an input, a constant or another output too gets a node and a name of its own.
    const hasOwnName = made.has(value) && graph.outputs.indexOf(value) === i;
    return hasOwnName ? nameOf(value) : model.addAs(op('Identity', [value]), [`out${i}`]);
  });
  const inputs = graph.inputs.map((value) => (model.uses(value) ? nameOf(value) : undefined));
  return { bytes: model.bytes(graph, inputs, outputs), inputs, outputs };
}

const nameOf = ({ id }: Value) => `v${id}`;

class ModelWriter {
  readonly #nodes: ProtoWriter[] = [];
  readonly #initializers = new Map<string, ProtoWriter>();
  readonly #constants = new Map<object, string>();
  readonly #operations = new Map<OnnxOperation, string>();
  readonly #used = new Set<Value>();

  /** Adds what makes the outputs of a traced node. */
  add(node: Node): void {
    const form = formOf(node.kernel, 'onnx');
    const result = typeof form === 'string' ? op(form, node.inputs) : form(node);
    const names = node.outputs.map(nameOf);
    if ('length' in result)
      for (const [i, operation] of result.entries()) this.addAs(operation, [elementAt(names, i)]);
    else this.addAs(isOperation(result) ? result : op('Identity', [result]), names);
  }

  /**
   * Adds an operation whose outputs have these names; without names, whose one output gets a new one. Returns
   * the first.
   */
  addAs({ operator, operands, attributes }: OnnxOperation, names?: readonly string[]): string {
    const inputs = operands.map((operand) => this.#operand(operand));
    const outputs = names ?? [`t${this.#operations.size}`];
    this.#nodes.push(nodeMessage({ name: `n${this.#nodes.length}`, operator, inputs, outputs, attributes }));
    return elementAt(outputs, 0);
  }

  uses(value: Value): boolean {
    return this.#used.has(value);
  }

  bytes(
    graph: Graph,
    inputNames: readonly (string | undefined)[],
    outputNames: readonly string[],
  ): Uint8Array {
    return modelBytes({
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
      inputs: inputNames.flatMap((name, i) =>
        name === undefined ? [] : [valueMessage(name, elementAt(graph.inputs, i))],
      ),
      outputs: outputNames.map((name, i) => valueMessage(name, elementAt(graph.outputs, i))),
    });
  }

  #operand(operand: OnnxOperand): string {
    if (isOperation(operand)) {
      const known = this.#operations.get(operand);
      if (known !== undefined) return known;
      const name = this.addAs(operand);
      this.#operations.set(operand, name);
      return name;
    }
    if (!isValue(operand)) return this.#literal(operand);
    return operand.constant ? this.#constant(operand, operand.constant) : this.#use(operand);
  }

  #use(value: Value): string {
    this.#used.add(value);
    return nameOf(value);
  }

  /** A constant of the step becomes an initializer when it is first named. */
  #constant({ shape, dtype }: Value, numbers: Literal['numbers']): string {
    const known = this.#constants.get(numbers);
    if (known !== undefined) return known;
    const name = this.#literal({ shape, dtype, numbers });
    this.#constants.set(numbers, name);
    return name;
  }

  /**
   * Literals of the kinds that come again and again are named after their numbers, and stand in the model
   * once.
   */
  #literal(literal: Literal): string {
    const name = nameByNumbers(literal) ?? `c${this.#initializers.size}`;
    if (!this.#initializers.has(name)) this.#initializers.set(name, tensorMessage(name, literal));
    return name;
  }
}

function nameByNumbers({ shape, dtype, numbers }: Literal): string | undefined {
  if (dtype === 'int64') return `i_${numbers.join('_')}`;
  if (dtype !== 'float32' || shape.length > 0) return undefined;
  return Object.is(numbers[0], -0) ? 'f_-0' : `f_${numbers[0]}`;
}
