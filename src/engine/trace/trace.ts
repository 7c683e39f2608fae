/**
 * Tracing: a step runs once on a backend that computes nothing. Each kernel infers the shape of its result
 * and is recorded. No number moves, no variable changes, and a step that reads data or uses a tensor from
 * outside fails by construction, at the place where it does.
 */

import { elementAt, type NonEmpty } from '../../elements.ts';
import { type TensorTree, tf } from '../tensors.ts';
import { type Described, type Graph, type Node, type Operands, typeOf, type Value } from './graph.ts';
import { type Kernel, UntraceableKernel } from './kernel.ts';
import { KERNELS } from './kernels/index.ts';

const BACKEND = 'calm-trace';

/** Holds values instead of numbers. */
class TraceBackend extends tf.KernelBackend {
  values = new Map<object, Value>();
  nodes: Node[] = [];
  #nextId = 0;

  reset(): void {
    this.values = new Map();
    this.nodes = [];
    this.#nextId = 0;
  }

  make(described: Omit<Value, 'id'>): tf.TensorInfo {
    const dataId = {};
    this.values.set(dataId, { ...described, id: this.#nextId++ });
    return { dataId, shape: described.shape as number[], dtype: described.dtype };
  }

  recorded(info: tf.TensorInfo): Value {
    const value = this.values.get(info.dataId);
    if (!value) throw new Error('a traced step used a tensor that is not among its inputs; hand it in');
    // The same data may be seen under another shape (reshape shares data on other backends, never here), so
    // the shape is the value's own.
    return value;
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    return this.make({ shape, dtype: typeOf(dtype), constant: values as Float32Array }).dataId;
  }

  override move(): never {
    throw new Error('a traced step used a tensor that is not among its inputs; hand it in');
  }

  override readSync(): never {
    throw new Error('a traced step read data; a step may only compute');
  }

  override async read(): Promise<never> {
    return this.readSync();
  }

  override disposeData(): boolean {
    return true;
  }

  override incRef(): void {}

  override refCount(): number {
    return 1;
  }

  override numDataIds(): number {
    return this.values.size;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override dispose(): void {}
}

let backend: TraceBackend | undefined;

function traceBackend(): TraceBackend {
  if (backend) return backend;
  const created = new TraceBackend();
  tf.registerBackend(BACKEND, () => created);
  for (const { name, operands, infer } of KERNELS.values()) {
    if (typeof infer !== 'function') continue;
    tf.registerKernel({
      kernelName: name,
      backendName: BACKEND,
      kernelFunc: (call) => record(created, { name, operands, infer }, call as unknown as KernelCall),
    });
  }
  backend = created;
  return created;
}

interface KernelCall {
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  readonly attrs: Readonly<Record<string, unknown>> | undefined;
}

type TraceableKernel = Pick<Kernel, 'name' | 'operands'> & {
  readonly infer: Extract<Kernel['infer'], (...inputs: never) => unknown>;
};

function record(
  into: TraceBackend,
  { name, operands, infer }: TraceableKernel,
  { inputs, attrs = {} }: KernelCall,
): tf.TensorInfo | tf.TensorInfo[] {
  const infos = operands?.map((operand) => inputs[operand] as tf.TensorInfo) ?? Object.values(inputs ?? {});
  const values = infos.map((info) => into.recorded(info));
  const make = ({ shape, dtype }: Described) => into.make({ shape: [...shape], dtype });
  const inferred = infer(values as unknown as Operands<Value>, attrs);
  const results = 'length' in inferred ? inferred.map(make) : make(inferred);
  const outputs = [results].flat().map((result) => into.recorded(result));
  into.nodes.push({ kernel: name, inputs: values, attrs, outputs: outputs as NonEmpty<Value> });
  return results;
}

/**
 * What a trace gives: the graph, and the shape of the tree that the step returns, its leaves numbered like
 * the graph's outputs.
 */
export interface Traced {
  readonly graph: Graph;
  /** Fills the step's output tree with tensors, in the order of the graph's outputs. */
  readonly rebuild: (tensors: readonly tf.Tensor[]) => TensorTree;
}

/**
 * Runs a step on placeholders of the given inputs' shapes.
 * @param isConstant for each leaf whether its numbers belong to the graph; such a leaf stays among the
 *   graph's inputs, unused
 */
export function trace(
  step: (inputs: never) => TensorTree,
  example: TensorTree,
  isConstant: readonly boolean[] = [],
): Traced {
  const recorder = traceBackend();
  const previous = tf.getBackend();
  const constants = leavesOf(example).map((tensor, i) =>
    isConstant[i] ? (tensor.dataSync() as Float32Array) : undefined,
  );
  recorder.reset();
  tf.setBackend(BACKEND);
  tf.engine().startScope();
  try {
    let leaf = 0;
    const placeholders = mapTree(example, (tensor) => {
      const info = recorder.make({
        shape: tensor.shape,
        dtype: typeOf(tensor.dtype),
        constant: constants[leaf++],
      });
      return tf.engine().makeTensorFromDataId(info.dataId, info.shape, info.dtype, recorder);
    });
    const outputs = step(placeholders as never);
    const leaves = leavesOf(outputs);
    const graph = {
      inputs: leavesOf(placeholders).map((tensor) => recorder.recorded(tensor)),
      nodes: recorder.nodes,
      outputs: leaves.map((tensor) => recorder.recorded(tensor)),
    };
    return { graph, rebuild: rebuilder(outputs) };
  } catch (error) {
    const missing = /Kernel '(\w+)' not registered for backend/.exec(
      error instanceof Error ? error.message : '',
    );
    throw missing ? new UntraceableKernel(elementAt(missing, 1)) : error;
  } finally {
    tf.engine().endScope();
    tf.setBackend(previous);
    recorder.reset();
  }
}

/** The tensors of a tree, depth first, in the order of its keys. */
export function leavesOf(tree: TensorTree): tf.Tensor[] {
  if (tree instanceof tf.Tensor) return [tree];
  return Object.values(tree as Record<string, TensorTree>).flatMap((branch) =>
    branch === undefined ? [] : leavesOf(branch),
  );
}

function mapTree(tree: TensorTree, f: (tensor: tf.Tensor) => tf.Tensor): TensorTree {
  if (tree instanceof tf.Tensor) return f(tree);
  return Object.fromEntries(
    Object.entries(tree as Record<string, TensorTree>).flatMap(([name, branch]) =>
      branch === undefined ? [] : [[name, mapTree(branch, f)]],
    ),
  );
}

function rebuilder(shape: TensorTree): (tensors: readonly tf.Tensor[]) => TensorTree {
  const skeleton = mapTree(shape, (tensor) => tensor);
  return (tensors) => {
    let next = 0;
    return mapTree(skeleton, () => elementAt(tensors, next++));
  };
}
