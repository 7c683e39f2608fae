/**
 * Thins out a trace: what tfjs records beyond the mathematics. Its gradient of a sum multiplies by a tensor of ones; casts and reshapes often change
 * nothing; the same constant is made again and again. Every rule keeps all values as they are.
 */

import { sameShape } from '../../shapes.ts';
import type { Graph, Node, Value } from './graph.ts';

/** Kernels whose operands broadcast against each other. */
const ELEMENTWISE = new Set(['Add', 'Sub', 'Multiply', 'RealDiv', 'Maximum', 'Minimum']);

export function simplify(graph: Graph): Graph {
  const state = { replaced: new Map<Value, Value>(), madeBy: new Map<Value, Node>() };
  const nodes: Node[] = [];
  for (const original of graph.nodes) {
    const node = { ...original, inputs: original.inputs.map((value) => resolve(state.replaced, value)) };
    const kept = simplifyNode(node, state);
    if (!kept) continue;
    for (const output of kept.outputs) state.madeBy.set(output, kept);
    nodes.push(kept);
  }
  const outputs = graph.outputs.map((value) => resolve(state.replaced, value));
  return { inputs: graph.inputs, nodes: onlyNeeded(nodes, outputs), outputs };
}

interface State {
  readonly replaced: Map<Value, Value>;
  readonly madeBy: Map<Value, Node>;
}

function resolve(replaced: ReadonlyMap<Value, Value>, value: Value): Value {
  let current = value;
  for (let next = replaced.get(current); next; next = replaced.get(current)) current = next;
  return current;
}

/** The node as it stays; undefined where its output is another value already. */
function simplifyNode(node: Node, state: State): Node | undefined {
  const [input] = node.inputs;
  const [output] = node.outputs;
  if (changesNothing(node)) {
    state.replaced.set(output, input);
    return undefined;
  }
  if (node.kernel === 'Multiply') return withoutOnes(node, state);
  if (ELEMENTWISE.has(node.kernel)) return withoutExpansion(node, state);
  return node;
}

function changesNothing({ kernel, inputs: [input], outputs: [output] }: Node): boolean {
  if (kernel === 'Identity') return true;
  if (kernel === 'Cast') return input.dtype === output.dtype;
  return (kernel === 'Reshape' || kernel === 'ExpandDims') && sameShape(input.shape, output.shape);
}

/** x · 1 is x, broadcast where its shape grows. */
function withoutOnes(node: Node, state: State): Node | undefined {
  const ones = node.inputs.findIndex((value) => value.dtype === 'float32' && isOnes(value));
  if (ones < 0) return withoutExpansion(node, state);
  const other = node.inputs[1 - ones];
  const [output] = node.outputs;
  if (sameShape(other.shape, output.shape)) {
    state.replaced.set(output, other);
    return undefined;
  }
  return { kernel: 'BroadcastTo', inputs: [other], attrs: {}, outputs: node.outputs };
}

const onesByConstant = new WeakMap<object, boolean>();

function isOnes({ constant }: Value): boolean {
  if (!constant) return false;
  const known = onesByConstant.get(constant);
  if (known !== undefined) return known;
  const found = constant.length > 0 && constant.every((number) => number === 1);
  onesByConstant.set(constant, found);
  return found;
}

/** An operand that was only broadcast need not be, where the other one has the full shape anyway. */
function withoutExpansion(node: Node, state: State): Node {
  const inputs = node.inputs.map((value, i) => {
    const maker = state.madeBy.get(value);
    const other = node.inputs[1 - i];
    return maker?.kernel === 'BroadcastTo' && sameShape(other.shape, node.outputs[0].shape) ? maker.inputs[0] : value;
  });
  return { ...node, inputs };
}

/** Drops nodes that no output depends on. */
function onlyNeeded(nodes: readonly Node[], outputs: readonly Value[]): Node[] {
  const needed = new Set(outputs);
  const kept: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    for (const input of node.inputs) needed.add(input);
    kept.push(node);
  }
  return kept.reverse();
}
