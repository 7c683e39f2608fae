/**
 * Choosing and loading an engine, and running steps on it.
 *
 * A *step* is a pure function of tensors: a whole training step, an encoder pass, a head's samples. Stages
 * hand it to `engine.compile` and call what they get: the step as one graph on `onnx` and on TensorFlow, the
 * step run eagerly on the others.
 */

import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { type CalmError, engineUnavailable, engineUnknown, noEngine } from '../errors.ts';
import { sizeOf } from '../shapes.ts';
import { numThreads } from '../threads.ts';
import { registerAdamW } from './kernels/adamw.ts';
import { ENGINE_NAMES, ENGINE_PACKAGES, type EngineChoice, type EngineName, engineVersion } from './names.ts';
import { engineFolder, installedEngine, isNative, NATIVE, type NativeEngine } from './native/folder.ts';
import { loadNative } from './native/load.ts';
import { onnxRuntime } from './onnx/runtime.ts';
import type { CompiledStep, CompileOptions, Step } from './step.ts';
import { tensorFlowRuntime } from './tensorflow/runtime.ts';
import { type TensorTree, tf } from './tensors.ts';
import { graphCompiler, runEagerly } from './trace/compiler.ts';
import { loadWasm } from './wasm/load.ts';

/** A loaded engine. There is one a process: TensorFlow.js keeps its backend in global state. */
export interface Engine {
  readonly name: EngineName;
  /** Package name → version, for manifests. */
  readonly versions: Readonly<Record<string, string>>;
  /** Whether steps become graphs, of which there is one for each set of input shapes. */
  readonly isCompiling: boolean;
  /**
   * Makes a step ready to run, for any input shapes. The compiled step leaves its inputs alone, but for those
   * that are donated to it, and returns tensors that the caller disposes; everything between is freed.
   */
  compile<Inputs extends TensorTree, Outputs extends TensorTree>(
    step: Step<Inputs, Outputs>,
    options?: CompileOptions<Inputs>,
  ): CompiledStep<Inputs, Outputs>;
  /** Live tensors and their bytes: what a leak test looks at. */
  memory(): { numTensors: number; numBytes: number };
}

const BACKENDS: Record<EngineName, () => Promise<string>> = {
  'node-gpu': async () => loadInstalled('node-gpu'),
  node: async () => loadInstalled('node'),
  onnx: loadCpu,
  wasm: loadWasm,
  cpu: loadCpu,
};

async function loadCpu(): Promise<string> {
  await import('@tensorflow/tfjs-backend-cpu');
  registerAdamW<MathBackendCPU>('cpu', {
    read: (backend, { dataId }) => backend.data.get(dataId).values as Float32Array,
    make: (backend, shape) => backend.makeTensorInfo(shape, 'float32', new Float32Array(sizeOf(shape))),
  });
  return 'cpu';
}

/**
 * Loads an engine; `auto` takes the first that works, in the order of ENGINE_NAMES.
 * @param onPassedOver told why `auto` passed over an engine that is installed; its message is one line
 */
export async function loadEngine(
  choice: EngineChoice = 'auto',
  onPassedOver: (error: CalmError) => void = () => {},
): Promise<Engine> {
  if (choice !== 'auto') {
    if (!ENGINE_NAMES.includes(choice)) throw engineUnknown(choice, ['auto', ...ENGINE_NAMES]);
    return startEngine(choice);
  }
  const failures: CalmError[] = [];
  for (const name of ENGINE_NAMES.filter((candidate) => engineVersion(candidate))) {
    try {
      return await startEngine(name);
    } catch (error) {
      failures.push(error as CalmError);
      onPassedOver(error as CalmError);
    }
  }
  throw noEngine(failures);
}

async function startEngine(name: EngineName): Promise<Engine> {
  try {
    const backend = await BACKENDS[name]();
    await tf.setBackend(backend);
    await tf.ready();
    if (tf.getBackend() !== backend) throw new Error(`TensorFlow.js fell back to "${tf.getBackend()}"`);
    tf.enableProdMode();
    return {
      name,
      isCompiling: name === 'onnx' || isNative(name),
      versions: versionsOf(name),
      compile: compilerOf(name),
      memory: () => ({ numTensors: tf.memory().numTensors, numBytes: tf.memory().numBytes }),
    };
  } catch (error) {
    throw engineUnavailable(name, ENGINE_PACKAGES[name], error);
  }
}

function versionsOf(name: EngineName): Record<string, string> {
  return {
    '@tensorflow/tfjs-core': tf.version_core,
    [ENGINE_PACKAGES[name]]: engineVersion(name) ?? 'unknown',
    ...(isNative(name) ? { tensorflow: installedEngine(name)?.tensorflowVersion ?? 'unknown' } : {}),
    ...(name === 'onnx' || isNative(name) ? { threads: String(numThreads()) } : {}),
  };
}

function loadInstalled(name: NativeEngine): string {
  if (!installedEngine(name)) throw new Error('it is not installed');
  return loadNative(engineFolder(name), NATIVE[name].packageName);
}

/** ONNX Runtime and TensorFlow get steps as graphs; the others run them eagerly. */
function compilerOf(name: EngineName): Engine['compile'] {
  if (name === 'onnx') return graphCompiler(onnxRuntime());
  if (isNative(name)) return graphCompiler(tensorFlowRuntime());
  return (step, { donates = [] } = {}) =>
    async (inputs) =>
      runEagerly(step, inputs, donates);
}
