/**
 * Runs graphs on ONNX Runtime. Numbers live as typed arrays in tfjs's cpu backend, which ONNX Runtime reads
 * in place.
 */

import { elementAt } from '../../elements.ts';
import { numThreads } from '../../threads.ts';
import { tf } from '../tensors.ts';
import type { GraphRuntime, LoadedGraph } from '../trace/compiler.ts';
import type { Graph, Value } from '../trace/graph.ts';
import { emitOnnx } from './emit.ts';
import { HostUpdates, type SplitGraph, splitGraph } from './host.ts';
import { requireOnnx } from './package.ts';
import { spinningOptions } from './spinning.ts';

/** The part of onnxruntime-node that is used. */
interface Ort {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: Numbers, dims: readonly number[]) => OrtTensor;
}

interface Session {
  run(
    feeds: Record<string, OrtTensor>,
    fetches: Record<string, OrtTensor | null>,
  ): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

type Numbers = Float32Array | Int32Array | Uint8Array;

interface OrtTensor {
  readonly data: Numbers;
}

/**
 * Loads ONNX Runtime, without its telemetry: from 1.30 on it would keep a device id and a database of events
 * in the user's cache and look up a host to send them to, unless this variable says otherwise when it is
 * loaded. Throws where it is not installed or does not start.
 * @param folder of an install, which is to be tested
 */
export function onnxRuntime(folder?: string): GraphRuntime {
  process.env.ORT_DISABLE_TELEMETRY ||= '1';
  const ort = requireOnnx(folder) as Ort;
  return { load: (graph) => loadGraph(ort, graph) };
}

async function loadGraph(ort: Ort, graph: Graph): Promise<LoadedGraph> {
  const split = splitGraph(graph);
  // Where the host does everything there is nothing to load.
  if (split.device.outputs.length === 0)
    return new OnnxGraph(ort, undefined, graph, split, { inputs: [], outputs: [] });
  const model = emitOnnx(split.device);
  const session = await ort.InferenceSession.create(model.bytes, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: numThreads(),
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: { session: spinningOptions() },
  });
  return new OnnxGraph(ort, session, graph, split, model);
}

class OnnxGraph implements LoadedGraph {
  readonly #ort: Ort;
  readonly #session: Session | undefined;
  readonly #graph: Graph;
  readonly #split: SplitGraph;
  readonly #inputNames: readonly (string | undefined)[];
  readonly #outputNames: readonly string[];
  readonly #updates: HostUpdates;
  /** Outputs that only the host reads: their arrays are made once and written anew by every run. */
  readonly #scratch = new Map<Value, OrtTensor>();

  constructor(
    ort: Ort,
    session: Session | undefined,
    graph: Graph,
    split: SplitGraph,
    names: { inputs: readonly (string | undefined)[]; outputs: readonly string[] },
  ) {
    this.#ort = ort;
    this.#session = session;
    this.#graph = graph;
    this.#split = split;
    this.#inputNames = names.inputs;
    this.#outputNames = names.outputs;
    this.#updates = new HostUpdates(split.updates);
    const returned = new Set(graph.outputs);
    for (const value of split.device.outputs)
      if (!returned.has(value)) this.#scratch.set(value, this.#tensor(value, this.#updates.arrayFor(value)));
  }

  async run(inputs: readonly tf.Tensor[], donated: readonly boolean[]): Promise<tf.Tensor[]> {
    const arrays = inputs.map((tensor) => tensor.dataSync() as Numbers);
    const feeds: Record<string, OrtTensor> = {};
    this.#inputNames.forEach((name, i) => {
      if (name !== undefined)
        feeds[name] = this.#tensor(elementAt(this.#graph.inputs, i), elementAt(arrays, i));
    });
    const outputs = this.#split.device.outputs.map((value, i) => ({
      value,
      name: elementAt(this.#outputNames, i),
      scratch: this.#scratch.get(value),
    }));
    const fetches = Object.fromEntries(outputs.map(({ name, scratch }) => [name, scratch ?? null]));
    const results = (await this.#session?.run(feeds, fetches)) ?? {};
    const known = new Map<Value, Numbers>(
      this.#graph.inputs.map((value, i) => [value, elementAt(arrays, i)]),
    );
    for (const { value, name, scratch } of outputs)
      known.set(value, (scratch ?? (results[name] as OrtTensor)).data);
    // A clone elsewhere may share the numbers.
    const isFree = (i: number) => donated[i] && tf.backend().refCount(elementAt(inputs, i).dataId) === 1;
    const free = new Set(this.#graph.inputs.filter((_, i) => isFree(i)));
    this.#updates.run(known, free);
    return this.#graph.outputs.map((value) =>
      tf.tensor(known.get(value) as Float32Array, value.shape as number[], value.dtype as 'float32'),
    );
  }

  async release(): Promise<void> {
    await this.#session?.release();
  }

  #tensor({ dtype, shape }: Value, data: Numbers): OrtTensor {
    return new this.#ort.Tensor(dtype, data, shape);
  }
}
