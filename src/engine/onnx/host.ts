/**
 * AdamW after a session, on its outputs and in place: ONNX Runtime would need thirteen passes over memory for
 * it.
 */

import { elementAt } from '../../elements.ts';
import { sizeOf } from '../../shapes.ts';
import { ADAMW } from '../kernels/adamw.ts';
import {
  type AdamWArrays,
  type AdamWAttributes,
  AdamWMemory,
  type AdamWScalars,
  updateArrays,
} from '../kernels/adamw-simd.ts';
import type { Graph, Node, Operands, Value } from '../trace/graph.ts';

type Numbers = Float32Array | Int32Array | Uint8Array;

/** A graph cut in two: what a session computes, and the updates at its end. */
export interface SplitGraph {
  /** Its outputs are the step's own (those that the host does not make), then what the host reads. */
  readonly device: Graph;
  readonly updates: readonly Update[];
}

/** A node of the kernel of AdamW. */
type Update = Node<AdamWAttributes, Operands<Value, 8>>;

function updatesOf({ nodes }: Graph): Update[] {
  return nodes.filter(({ kernel }) => kernel === ADAMW) as unknown as Update[];
}

/**
 * Cuts the updates off the end. An update that a node of the device would need stays: the writer says that it
 * has no form for it.
 */
export function splitGraph(graph: Graph): SplitGraph {
  const updates = updatesOf(graph);
  if (updates.length === 0) return { device: graph, updates };
  const made = new Set(updates.flatMap(({ outputs }) => outputs));
  const nodes = graph.nodes.filter(({ kernel }) => kernel !== ADAMW);
  if (nodes.some(({ inputs }) => inputs.some((value) => made.has(value))))
    return { device: graph, updates: [] };
  const given = new Set(graph.inputs);
  const read = updates
    .flatMap(({ inputs }) => inputs)
    .filter((value) => !given.has(value) && !value.constant);
  const outputs = [...new Set([...graph.outputs.filter((value) => !made.has(value)), ...read])];
  return { device: { inputs: graph.inputs, nodes, outputs }, updates };
}

/**
 * The updates of one graph. Parameters and moments that are donated move into one memory at the first step
 * and stay there from then on; gradients are written into it by the session.
 */
export class HostUpdates {
  readonly #updates: readonly Update[];
  readonly #memory: AdamWMemory | undefined;
  /** Each update's arrays in the memory. */
  readonly #homes: readonly AdamWArrays[];
  #areHomesTaken = false;

  constructor(updates: readonly Update[]) {
    const lengths = updates.map(({ inputs }) => sizeOf(inputs[0].shape));
    this.#updates = updates;
    this.#memory = updates.length ? AdamWMemory.forLengths(lengths) : undefined;
    this.#homes = this.#memory ? lengths.map((length) => (this.#memory as AdamWMemory).allocate(length)) : [];
  }

  /** Where a session should write a value that only the updates read. */
  arrayFor(value: Value): Float32Array {
    const update = this.#updates.findIndex(({ inputs }) => inputs[3] === value);
    return this.#homes[update]?.gradient ?? new Float32Array(sizeOf(value.shape));
  }

  /**
   * @param known the numbers of values; the updates' outputs are added to it
   * @param free which of them may be written over
   */
  run(known: Map<Value, Numbers>, free: ReadonlySet<Value>): void {
    const read = (value: Value) => (value.constant ?? known.get(value)) as Float32Array;
    const number = (value: Value) => elementAt(read(value), 0);
    const canSettle =
      !this.#areHomesTaken &&
      this.#homes.length > 0 &&
      this.#updates.every(({ inputs }) => inputs.slice(0, 3).every((value) => free.has(value)));
    for (const [i, { inputs, outputs, attrs }] of this.#updates.entries()) {
      const [parameter, first, second, gradient] = inputs;
      const [, , , , scale, learningRate, correction1, correction2] = inputs;
      const given: AdamWArrays = {
        parameter: read(parameter),
        first: read(first),
        second: read(second),
        gradient: read(gradient),
      };
      const isFree = [parameter, first, second].every((value) => free.has(value));
      const into = canSettle ? settle(given, elementAt(this.#homes, i)) : isFree ? given : copied(given);
      this.#update(
        i,
        { ...into, gradient: given.gradient },
        {
          scale: number(scale),
          learningRate: number(learningRate),
          correction1: number(correction1),
          correction2: number(correction2),
        },
        attrs,
      );
      for (const [n, name] of STATE.entries()) known.set(elementAt(outputs, n), into[name]);
    }
    this.#areHomesTaken ||= canSettle;
  }

  /** In place: where all four arrays are at home in the memory, there, else by blocks. */
  #update(i: number, arrays: AdamWArrays, scalars: AdamWScalars, attributes: AdamWAttributes): void {
    const home = this.#homes[i];
    const isAtHome = home && NAMES.every((name) => arrays[name] === home[name]);
    if (isAtHome) this.#memory?.update(arrays, scalars, attributes);
    else updateArrays(arrays, scalars, attributes, arrays);
  }
}

const STATE = ['parameter', 'first', 'second'] as const;
const NAMES = [...STATE, 'gradient'] as const;

/** Moves parameter and moments into their home. */
function settle(given: AdamWArrays, home: AdamWArrays): AdamWArrays {
  for (const name of STATE) home[name].set(given[name]);
  return home;
}

/** Parameter and moments that others still need, as copies. */
function copied({ parameter, first, second, gradient }: AdamWArrays): AdamWArrays {
  return { parameter: parameter.slice(), first: first.slice(), second: second.slice(), gradient };
}
