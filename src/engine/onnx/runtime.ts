/** Runs traced steps on ONNX Runtime. Numbers live as typed arrays in tfjs's cpu backend, which ONNX Runtime reads in place. */

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import type { CompiledStep, Step } from '../step.ts';
import { type TensorTree, tf } from '../tensors.ts';
import { simplify } from '../trace/simplify.ts';
import { leavesOf, trace, UntraceableKernel } from '../trace/trace.ts';
import { emitOnnx, type OnnxModel, UnknownKernel } from './emit.ts';

/** The part of onnxruntime-node that is used. */
interface Runtime {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: Float32Array | Int32Array | Uint8Array, dims: readonly number[]) => OrtTensor;
  readonly env: { logLevel: string };
}

interface Session {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

interface OrtTensor {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly type: string;
  readonly dims: readonly number[];
}

/** Sessions kept of one step, one for each set of input shapes; the one used longest ago goes first. */
const SESSIONS_KEPT = 16;

/** Loads ONNX Runtime; throws where it is not installed or does not start. */
export function loadRuntime(): Runtime {
  return createRequire(import.meta.url)('onnxruntime-node') as Runtime;
}

/** How many threads a step uses: all cores, or what CALM_THREADS says. */
export function numThreads(): number {
  return Number(process.env.CALM_THREADS) || availableParallelism();
}

/** Makes a compiler of steps. */
export function onnxCompiler(runtime: Runtime) {
  return <Inputs extends TensorTree, Outputs extends TensorTree>(step: Step<Inputs, Outputs>): CompiledStep<Inputs, Outputs> => {
    const compiled = new Map<string, Promise<CompiledGraph | 'eager'>>();
    return async (inputs) => {
      const leaves = leavesOf(inputs);
      const signature = leaves.map(({ shape, dtype }) => `${dtype}[${shape}]`).join(' ');
      const known = compiled.get(signature) ?? compile(runtime, step, inputs);
      // Re-inserted, so that the map's order is that of the last use.
      compiled.delete(signature);
      compiled.set(signature, known);
      if (compiled.size > SESSIONS_KEPT) await forgetOldest(compiled);
      const graph = await known;
      if (graph === 'eager') return tf.tidy(() => step(inputs) as tf.TensorContainer) as Outputs;
      return (await graph.run(leaves)) as Outputs;
    };
  };
}

async function forgetOldest(compiled: Map<string, Promise<CompiledGraph | 'eager'>>): Promise<void> {
  const [signature, oldest] = compiled.entries().next().value as [string, Promise<CompiledGraph | 'eager'>];
  compiled.delete(signature);
  const graph = await oldest;
  if (graph !== 'eager') await graph.release();
}

/** Kernels that were met and cannot be compiled; each is named once. */
const announced = new Set<string>();

async function compile<Inputs extends TensorTree, Outputs extends TensorTree>(
  runtime: Runtime,
  step: Step<Inputs, Outputs>,
  example: Inputs,
): Promise<CompiledGraph | 'eager'> {
  try {
    const { graph, rebuild } = trace(step as (inputs: never) => TensorTree, example);
    const simple = simplify(graph);
    const model = emitOnnx(simple);
    const session = await runtime.InferenceSession.create(model.bytes, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: numThreads(),
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      // Threads that wait without spinning cost a tenth alone, and save half where others use the machine too.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    return new CompiledGraph(
      runtime,
      session,
      model,
      graph.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
      rebuild,
    );
  } catch (error) {
    if (!(error instanceof UntraceableKernel || error instanceof UnknownKernel)) throw error;
    if (!announced.has(error.kernel)) process.emitWarning(`${error.message}; steps that use it run eagerly`);
    announced.add(error.kernel);
    return 'eager';
  }
}

type Described = { readonly shape: readonly number[]; readonly dtype: tf.DataType };
type Rebuild = (tensors: readonly tf.Tensor[]) => TensorTree;

class CompiledGraph {
  readonly #runtime: Runtime;
  readonly #session: Session;
  readonly #model: OnnxModel;
  readonly #outputs: readonly Described[];
  readonly #rebuild: Rebuild;

  constructor(runtime: Runtime, session: Session, model: OnnxModel, outputs: readonly Described[], rebuild: Rebuild) {
    this.#runtime = runtime;
    this.#session = session;
    this.#model = model;
    this.#outputs = outputs;
    this.#rebuild = rebuild;
  }

  async run(leaves: readonly tf.Tensor[]): Promise<TensorTree> {
    const feeds: Record<string, OrtTensor> = {};
    this.#model.inputs.forEach((name, i) => {
      if (name !== undefined) feeds[name] = new this.#runtime.Tensor(leaves[i].dtype, leaves[i].dataSync() as Float32Array, leaves[i].shape);
    });
    const results = await this.#session.run(feeds);
    const tensors = this.#outputs.map(({ shape, dtype }, i) =>
      tf.tensor(results[this.#model.outputs[i]].data as Float32Array, shape as number[], dtype as 'float32'),
    );
    return this.#rebuild(tensors);
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}
