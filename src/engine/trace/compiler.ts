/**
 * Makes steps into graphs for a runtime: one graph for each set of input shapes, a bounded number of them,
 * and eager where a kernel has no place in a graph.
 */

import { elementAt } from '../../elements.ts';
import { disposeDonated, runEagerly } from '../eager.ts';
import type { CompiledStep, CompileOptions, Step } from '../step.ts';
import { type TensorTree, tf } from '../tensors.ts';
import type { Graph } from './graph.ts';
import { UnknownKernel, UntraceableKernel } from './kernel.ts';
import { simplify } from './simplify.ts';
import { leavesOf, trace } from './trace.ts';

/** What runs graphs: ONNX Runtime, TensorFlow. */
export interface GraphRuntime {
  load(graph: Graph): Promise<LoadedGraph>;
}

export interface LoadedGraph {
  /**
   * @param inputs in the order of the graph's inputs
   * @param donated for each of them whether its memory may be written over; it is disposed afterwards by the
   *   caller
   * @returns in the order of the graph's outputs
   */
  run(inputs: readonly tf.Tensor[], donated: readonly boolean[]): Promise<tf.Tensor[]>;
  release(): Promise<void>;
}

/**
 * A larger tensor is not built into a graph, where it would stand a second time (64 MB); and none is where
 * together they are larger than this (256 MB).
 */
const [LARGEST_CONSTANT, LARGEST_CONSTANTS] = [2 ** 24, 2 ** 26];

/** Graphs kept of one step; the one used longest ago goes first. */
const GRAPHS_KEPT = 16;

interface Compiled {
  readonly graph: LoadedGraph;
  readonly rebuild: (tensors: readonly tf.Tensor[]) => TensorTree;
}

/** Makes a compiler of steps for a runtime. */
export function graphCompiler(runtime: GraphRuntime) {
  return <Inputs extends TensorTree, Outputs extends TensorTree>(
    step: Step<Inputs, Outputs>,
    { donates = [], constants = [] }: CompileOptions<Inputs> = {},
  ): CompiledStep<Inputs, Outputs> => {
    const graphs = new Map<string, Promise<Compiled | 'eager'>>();
    return async (inputs) => {
      const leaves = leavesOf(inputs);
      const mayBeBuiltIn = leavesAmong(inputs, constants).map(
        (isNamed, i) => isNamed && elementAt(leaves, i).size <= LARGEST_CONSTANT,
      );
      const total = leaves.reduce((sum, { size }, i) => sum + (mayBeBuiltIn[i] ? size : 0), 0);
      const isConstant = mayBeBuiltIn.map((may) => may && total <= LARGEST_CONSTANTS);
      const signature = leaves
        .map(({ id, shape, dtype }, i) => (isConstant[i] ? `#${id}` : `${dtype}[${shape}]`))
        .join(' ');
      const known = graphs.get(signature) ?? compile(runtime, step, inputs, isConstant);
      // Re-inserted, so that the map's order is that of the last use.
      graphs.delete(signature);
      graphs.set(signature, known);
      if (graphs.size > GRAPHS_KEPT) await forgetOldest(graphs);
      const compiled = await known;
      if (compiled === 'eager') return runEagerly(step, inputs, donates);
      const outputs = await compiled.graph.run(leaves, leavesAmong(inputs, donates));
      disposeDonated(inputs, donates);
      return compiled.rebuild(outputs) as Outputs;
    };
  };
}

/** For each leaf whether it belongs to one of these inputs. */
function leavesAmong<Inputs extends TensorTree>(inputs: Inputs, names: readonly (keyof Inputs)[]): boolean[] {
  if (inputs instanceof tf.Tensor) return [false];
  return Object.entries(inputs as Record<string, TensorTree>).flatMap(([name, branch]) =>
    branch === undefined ? [] : leavesOf(branch).map(() => names.includes(name as keyof Inputs)),
  );
}

async function forgetOldest(graphs: Map<string, Promise<Compiled | 'eager'>>): Promise<void> {
  const [signature, oldest] = graphs.entries().next().value as [string, Promise<Compiled | 'eager'>];
  graphs.delete(signature);
  const compiled = await oldest;
  if (compiled !== 'eager') await compiled.graph.release();
}

/** Kernels that were met and cannot be compiled; each is named once. */
const announced = new Set<string>();

async function compile(
  runtime: GraphRuntime,
  step: (inputs: never) => TensorTree,
  example: TensorTree,
  isConstant: readonly boolean[],
): Promise<Compiled | 'eager'> {
  try {
    const { graph, rebuild } = trace(step, example, isConstant);
    return { graph: await runtime.load(simplify(graph)), rebuild };
  } catch (error) {
    if (!(error instanceof UntraceableKernel || error instanceof UnknownKernel)) throw error;
    if (!announced.has(error.kernel)) process.emitWarning(`${error.message}; steps that use it run eagerly`);
    announced.add(error.kernel);
    return 'eager';
  }
}
