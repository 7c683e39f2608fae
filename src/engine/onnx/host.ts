/** Kernels that run in JavaScript after a session, on its outputs: what ONNX Runtime would need many passes for. */

import { ADAMW } from '../kernels/adamw.ts';
import { type AdamWAttributes, updateArrays } from '../kernels/adamw-simd.ts';
import type { Graph, Node, Value } from '../trace/graph.ts';

type Numbers = Float32Array | Int32Array | Uint8Array;

/** Where the host finds and leaves the numbers of values. */
export interface HostMemory {
  read(value: Value): Numbers;
  /** The numbers of a value that may be written over; a copy where others still need them. */
  take(value: Value): Numbers;
  write(value: Value, numbers: Numbers): void;
}

const HOST_KERNELS: Readonly<Record<string, (node: Node, memory: HostMemory) => void>> = {
  [ADAMW]: ({ inputs, outputs, attrs }, memory) => {
    const [parameter, first, second] = inputs.slice(0, 3).map((value) => memory.take(value) as Float32Array);
    const [scale, learningRate, correction1, correction2] = inputs.slice(4).map((value) => memory.read(value)[0]);
    const into = { parameter, first, second };
    updateArrays(
      { ...into, gradient: memory.read(inputs[3]) as Float32Array, scale, learningRate, correction1, correction2 },
      attrs as unknown as AdamWAttributes,
      into,
    );
    [parameter, first, second].forEach((numbers, i) => {
      memory.write(outputs[i], numbers);
    });
  },
};

/** A graph cut in two: what a session computes, and what the host does with its outputs. */
export interface SplitGraph {
  /** Its outputs are the step's own (those that the host does not make), then what the host reads. */
  readonly device: Graph;
  readonly host: readonly Node[];
}

/** Cuts the host's kernels off the end. Undefined where a node of the device would need what the host makes. */
export function splitGraph(graph: Graph): SplitGraph | undefined {
  const host = graph.nodes.filter(({ kernel }) => HOST_KERNELS[kernel]);
  if (host.length === 0) return { device: graph, host };
  const made = new Set(host.flatMap(({ outputs }) => outputs));
  const nodes = graph.nodes.filter((node) => !HOST_KERNELS[node.kernel]);
  if (nodes.some(({ inputs }) => inputs.some((value) => made.has(value)))) return undefined;
  const given = new Set(graph.inputs);
  const read = host.flatMap(({ inputs }) => inputs).filter((value) => !given.has(value) && !value.constant);
  const outputs = [...new Set([...graph.outputs.filter((value) => !made.has(value)), ...read])];
  return { device: { inputs: graph.inputs, nodes, outputs }, host };
}

export function runOnHost(nodes: readonly Node[], memory: HostMemory): void {
  for (const node of nodes) HOST_KERNELS[node.kernel](node, memory);
}
