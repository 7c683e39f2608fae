/**
 * Thins out a trace: what tfjs records beyond the mathematics. Its gradient of a sum multiplies by a tensor
 * of ones; casts and reshapes often change nothing; the same value is made again and again; an addition after
 * a product is a pass of its own. Every rule keeps all values, but for the order of a sum.
 *
 * It adds two kernels that runtimes know and tfjs does not: `SegmentAdd(x, ids, updates)` adds rows to the
 * rows of x that ids name, `SumOfSquares` is what it says. A `BatchMatMul` may have a third input, which is
 * added to the product.
 */

import { elementAt } from '../../elements.ts';
import { sameShape } from '../../shapes.ts';
import type { Attributes, Graph, Node, Operands, Value } from './graph.ts';

/** Kernels whose operands broadcast against each other. */
const ELEMENTWISE = new Set(['Add', 'Sub', 'Multiply', 'RealDiv', 'Maximum', 'Minimum']);

export function simplify(graph: Graph): Graph {
  const thin = fuse(removeIdle(graph));
  return { ...thin, nodes: onlyNeeded(thin.nodes, thin.outputs) };
}

/** Drops what changes nothing, and what was made before. */
function removeIdle(graph: Graph): Graph {
  const state = {
    replaced: new Map<Value, Value>(),
    madeBy: new Map<Value, Node>(),
    seen: new Map<string, Node>(),
  };
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
  /** Nodes by what they compute. */
  readonly seen: Map<string, Node>;
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
  if (input && changesNothing(node.kernel, input, output)) {
    state.replaced.set(output, input);
    return undefined;
  }
  const lean =
    node.kernel === 'Multiply'
      ? withoutOnes(node, state)
      : ELEMENTWISE.has(node.kernel)
        ? withoutExpansion(node, state)
        : node;
  return lean && onlyOnce(lean, state);
}

/** The node, or undefined where one that computes the same is there already. */
function onlyOnce(node: Node, state: State): Node | undefined {
  const [{ dtype, shape }] = node.outputs;
  const call = `${node.kernel} ${JSON.stringify(node.attrs)} ${node.inputs.map(keyOf)}`;
  const key = `${call} ${dtype}[${shape}]`;
  const twin = state.seen.get(key);
  if (!twin) {
    state.seen.set(key, node);
    return node;
  }
  node.outputs.forEach((output, i) => {
    state.replaced.set(output, elementAt(twin.outputs, i));
  });
  return undefined;
}

/** A value by name; a constant of one number by that number. */
function keyOf({ id, constant, dtype, shape }: Value): string {
  if (constant?.length !== 1) return `v${id}`;
  const [number] = constant;
  return `${dtype}[${shape}]=${Object.is(number, -0) ? '-0' : number}`;
}

/** Two kernels into one, where nothing else needs the first one's result. */
function fuse(graph: Graph): Graph {
  const uses = new Map<Value, number>();
  for (const value of [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs])
    uses.set(value, (uses.get(value) ?? 0) + 1);
  const madeBy = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)),
  );
  const before: Before = (value, kernel) => {
    const maker = value && uses.get(value) === 1 ? madeBy.get(value) : undefined;
    return maker?.kernel === kernel ? (maker as Node<Attributes, Operands<Value>>) : undefined;
  };
  const nodes = graph.nodes.map((node) => {
    const fused = FUSIONS[node.kernel]?.(node, before) ?? node;
    for (const output of fused.outputs) madeBy.set(output, fused);
    return fused;
  });
  return { ...graph, nodes };
}

/** The node of a kernel that made a value which nothing else needs. */
type Before = (value: Value | undefined, kernel: string) => Node<Attributes, Operands<Value>> | undefined;

const FUSIONS: Readonly<Record<string, (node: Node, before: Before) => Node | undefined>> = {
  Add: (node, before) => addToProduct(node, before) ?? addRows(node, before),
  Sub: (node, before) => addRows(node, before),
  Sum: ({ inputs: [x], attrs, outputs }, before) => {
    const square = before(x, 'Square');
    return square && { kernel: 'SumOfSquares', inputs: square.inputs, attrs, outputs };
  },
};

/** a·b + c in one kernel, for matrices: c is a row that is added to every row, or as large as the product. */
function addToProduct({ inputs: [x, y], outputs }: Node, before: Before): Node | undefined {
  for (const [product, addend] of [[x, y] as const, [y, x] as const]) {
    const maker = before(product, 'BatchMatMul');
    if (!addend || !maker || maker.inputs.length > 2) continue;
    if (maker.inputs.some(({ shape }) => shape.length !== 2)) continue;
    if (addend.shape.length === 1 || sameShape(addend.shape, outputs[0].shape))
      return { ...maker, inputs: [...maker.inputs, addend], outputs };
  }
  return undefined;
}

/** x ± (rows added up by segment): the rows go straight into x. */
function addRows({ kernel, inputs: [x, y], outputs }: Node, before: Before): Node | undefined {
  if (!x || !y || !sameShape(x.shape, y.shape)) return undefined;
  const into = (target: Value, { inputs: [rows, ids] }: Node): Node | undefined =>
    rows &&
    ids && {
      kernel: 'SegmentAdd',
      inputs: [target, ids, rows],
      attrs: { negate: kernel === 'Sub' },
      outputs,
    };
  const last = before(y, 'UnsortedSegmentSum');
  if (last) return into(x, last);
  const first = kernel === 'Add' ? before(x, 'UnsortedSegmentSum') : undefined;
  return first && into(y, first);
}

function changesNothing(kernel: string, input: Value, output: Value): boolean {
  if (kernel === 'Identity') return true;
  if (kernel === 'Cast') return input.dtype === output.dtype;
  return (kernel === 'Reshape' || kernel === 'ExpandDims') && sameShape(input.shape, output.shape);
}

/** x · 1 is x, broadcast where its shape grows. */
function withoutOnes(node: Node, state: State): Node | undefined {
  const ones = node.inputs.findIndex((value) => value.dtype === 'float32' && isOnes(value));
  const other = node.inputs[1 - ones];
  if (ones < 0 || !other) return withoutExpansion(node, state);
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
    const [narrow] = maker?.kernel === 'BroadcastTo' ? maker.inputs : [];
    const other = node.inputs[1 - i];
    return narrow && other && sameShape(other.shape, node.outputs[0].shape) ? narrow : value;
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
