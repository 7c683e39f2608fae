/**
 * Choosing and loading an engine, and running steps on it.
 *
 * A *step* is a pure function of tensors: a whole training step, an encoder pass, a head's samples. Stages
 * hand it to `engine.compile` and call what they get: the step as one graph on `onnx` and on TensorFlow, the
 * step run eagerly on the others.
 */

import { type CalmError, engineMissing, engineUnavailable, noEngine } from '../errors.ts';
import { numThreads } from '../threads.ts';
import { eager } from './eager.ts';
import type { EngineEntry, LoadedEngine } from './entry.ts';
import { engineNamed } from './names.ts';
import { ENGINES } from './registry.ts';
import type { CompiledStep, CompileOptions, Step } from './step.ts';
import { type TensorTree, tf } from './tensors.ts';
import { graphCompiler } from './trace/compiler.ts';

/** A loaded engine. There is one a process: TensorFlow.js keeps its backend in global state. */
export interface Engine {
  readonly name: string;
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

/**
 * Loads an engine; `auto` takes the first of the built-in ones that works, in the order of the registry.
 * @param choice `auto`, or an engine's name
 * @param onPassedOver told why `auto` passed over an engine that is installed, or should be; its message is one line
 */
export async function loadEngine(
  choice: string = 'auto',
  onPassedOver: (error: CalmError) => void = () => {},
): Promise<Engine> {
  if (choice !== 'auto') return startEngine(engineNamed(choice));
  const failures: CalmError[] = [];
  const passOver = (error: CalmError) => {
    failures.push(error);
    onPassedOver(error);
  };
  for (const entry of ENGINES as readonly EngineEntry[]) {
    if (entry.version()) {
      const engine = await startEngine(entry).catch((error: CalmError) => passOver(error));
      if (engine) return engine;
    } else if (entry.isExpected?.()) passOver(engineMissing(entry));
  }
  throw noEngine(failures);
}

async function startEngine(entry: EngineEntry): Promise<Engine> {
  try {
    const loaded = await entry.load();
    await tf.setBackend(loaded.backend);
    await tf.ready();
    if (tf.getBackend() !== loaded.backend)
      throw new Error(`TensorFlow.js fell back to "${tf.getBackend()}"`);
    tf.enableProdMode();
    return {
      name: entry.name,
      isCompiling: loaded.runtime !== undefined,
      versions: versionsOf(entry, loaded),
      compile: compilerOf(loaded),
      memory: () => ({ numTensors: tf.memory().numTensors, numBytes: tf.memory().numBytes }),
    };
  } catch (error) {
    throw engineUnavailable(entry, error);
  }
}

function versionsOf(entry: EngineEntry, { runtime }: LoadedEngine): Record<string, string> {
  return {
    '@tensorflow/tfjs-core': tf.version_core,
    [entry.packageName]: entry.version() ?? 'unknown',
    ...entry.otherVersions?.(),
    ...(runtime ? { threads: String(numThreads()) } : {}),
  };
}

/** A runtime gets steps as graphs; without one they run eagerly. */
function compilerOf({ runtime }: LoadedEngine): Engine['compile'] {
  return runtime ? graphCompiler(runtime) : eager;
}
