/** Runs graphs in TensorFlow: written as SavedModels, which the binding of tfjs-node loads and runs. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elementAt } from '../../elements.ts';
import type { Precision } from '../precision.ts';
import { tf } from '../tensors.ts';
import type { GraphRuntime, LoadedGraph } from '../trace/compiler.ts';
import type { Graph } from '../trace/graph.ts';
import { roundProducts } from '../trace/kernels/products.ts';
import { emitTensorFlow, type TensorFlowGraph } from './emit.ts';
import { savedModelBytes } from './messages.ts';

/**
 * The part of tfjs-node's backend that is used; all of it is there at run time, not all of it in its types.
 */
interface NodeBackend {
  readonly binding: {
    loadSavedModel(directory: string, tags: string): number;
    deleteSavedModel(id: number): void;
    runSavedModel(id: number, inputIds: number[], inputNames: string, outputNames: string): object[];
  };
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  createOutputTensor(metadata: object): tf.Tensor;
}

const TAG = 'serve';

export function tensorFlowRuntime(precision: Precision): GraphRuntime {
  const prepared = (graph: Graph) => (precision === 'bf16' ? roundProducts(graph) : graph);
  return { load: async (graph) => new SessionGraph(graph, emitTensorFlow(prepared(graph))) };
}

class SessionGraph implements LoadedGraph {
  readonly #backend = tf.backend() as unknown as NodeBackend;
  readonly #session: number;
  readonly #used: readonly number[];
  readonly #inputNames: string;
  readonly #outputNames: string;

  constructor(graph: Graph, { bytes, inputs, outputs }: TensorFlowGraph) {
    const withPort = (name: string) => (name.includes(':') ? name : `${name}:0`);
    this.#used = graph.inputs.flatMap((_, i) => (inputs[i] === undefined ? [] : [i]));
    this.#inputNames = this.#used.map((i) => withPort(inputs[i] as string)).join(',');
    this.#outputNames = outputs.map(withPort).join(',');
    this.#session = loadSession(this.#backend, bytes);
  }

  async run(inputs: readonly tf.Tensor[]): Promise<tf.Tensor[]> {
    const ids = this.#backend.getInputTensorIds(this.#used.map((i) => elementAt(inputs, i)));
    const results = this.#backend.binding.runSavedModel(
      this.#session,
      ids,
      this.#inputNames,
      this.#outputNames,
    );
    return results.map((metadata) => this.#backend.createOutputTensor(metadata));
  }

  async release(): Promise<void> {
    this.#backend.binding.deleteSavedModel(this.#session);
  }
}

/** Sessions are made from folders only. */
function loadSession(backend: NodeBackend, graphDef: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'calm-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), savedModelBytes(graphDef, TAG));
    mkdirSync(join(folder, 'variables'));
    return backend.binding.loadSavedModel(folder, TAG);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
