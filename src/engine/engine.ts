/**
 * Choosing and loading an engine, and running steps on it.
 *
 * A *step* is a pure function of tensors: a whole training step, an encoder pass, a head's samples. Stages
 * hand it to `engine.compile` and call what they get: the step as one graph on `onnx` and on TensorFlow, the
 * step run eagerly on the others.
 */

import { CalmError, engineMissing, engineUnavailable, noEngine, precisionMissing } from '../errors.ts';
import { numThreads } from '../threads.ts';
import { eager } from './eager.ts';
import type { EngineEntry, LoadedEngine } from './entry.ts';
import { engineNamed } from './names.ts';
import {
  fasterOf,
  PRECISIONS,
  type Precision,
  type PrecisionChoice,
  type ProductRates,
  rememberedRates,
} from './precision.ts';
import { ENGINES } from './registry.ts';
import type { CompiledStep, CompileOptions, Step } from './step.ts';
import { disposeTree, type TensorTree, tf } from './tensors.ts';
import { graphCompiler } from './trace/compiler.ts';

/** A loaded engine. There is one a process: TensorFlow.js keeps its backend in global state. */
export interface Engine {
  readonly name: string;
  readonly precision: Precision;
  /** GFLOP/s of products by precision, where they were measured to choose one. */
  readonly productRates?: ProductRates;
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
 * @param precision of products; `auto` measures once which is faster here. One that the engine does not have is an
 *   error, and `auto` passes over such engines
 */
export async function loadEngine(
  choice: string = 'auto',
  onPassedOver: (error: CalmError) => void = () => {},
  precision: PrecisionChoice = 'f32',
): Promise<Engine> {
  if (choice !== 'auto') return startEngine(engineNamed(choice), precision);
  const failures: CalmError[] = [];
  const passOver = (error: CalmError) => {
    failures.push(error);
    onPassedOver(error);
  };
  for (const entry of ENGINES as readonly EngineEntry[]) {
    if (entry.version()) {
      const engine = await startEngine(entry, precision).catch((error: CalmError) => passOver(error));
      if (engine) return engine;
    } else if (entry.isExpected?.()) passOver(engineMissing(entry));
  }
  throw noEngine(failures);
}

async function startEngine(entry: EngineEntry, choice: PrecisionChoice): Promise<Engine> {
  try {
    const loaded = await entry.load();
    await tf.setBackend(loaded.backend);
    await tf.ready();
    if (tf.getBackend() !== loaded.backend)
      throw new Error(`TensorFlow.js fell back to "${tf.getBackend()}"`);
    tf.enableProdMode();
    const { precision, rates } = await choosePrecision(entry, loaded, choice);
    return {
      name: entry.name,
      precision,
      ...(rates ? { productRates: rates } : {}),
      isCompiling: loaded.runtime !== undefined,
      versions: versionsOf(entry, loaded, precision),
      compile: compilerOf(loaded, precision),
      memory: () => ({ numTensors: tf.memory().numTensors, numBytes: tf.memory().numBytes }),
    };
  } catch (error) {
    throw error instanceof CalmError ? error : engineUnavailable(entry, error);
  }
}

interface Chosen {
  readonly precision: Precision;
  /** Where they were measured to choose. */
  readonly rates?: ProductRates;
}

/** What `auto` means here; an error where the engine does not have what is asked. */
async function choosePrecision(
  entry: EngineEntry,
  loaded: LoadedEngine,
  choice: PrecisionChoice,
): Promise<Chosen> {
  if (choice === 'f32' || (choice === 'auto' && !loaded.roundingRuntime)) return { precision: 'f32' };
  if (!loaded.roundingRuntime) throw precisionMissing(entry.name);
  if (choice === 'bf16') return { precision: 'bf16' };
  const versions = Object.values(versionsOf(entry, loaded, 'f32')).join(' ');
  const rates = await rememberedRates(`${entry.name} ${versions}`, () =>
    measureProducts({ f32: compilerOf(loaded, 'f32'), bf16: compilerOf(loaded, 'bf16') }),
  );
  return { precision: fasterOf(rates), rates };
}

const [ROWS, INNER, COLUMNS, REPETITIONS] = [1024, 256, 1024, 12];

/** The best of several, alternately: what else runs here makes a product slower and never faster. */
async function measureProducts(
  compilers: Readonly<Record<Precision, Engine['compile']>>,
): Promise<ProductRates> {
  const inputs = { a: tf.ones([ROWS, INNER]), b: tf.ones([INNER, COLUMNS]) };
  const best = { f32: Number.POSITIVE_INFINITY, bf16: Number.POSITIVE_INFINITY };
  const steps = PRECISIONS.map((precision) => ({
    precision,
    // A sum goes out, so that no time is lost with a large result.
    run: compilers[precision](({ a, b }: typeof inputs) => tf.sum(tf.matMul(a, b))),
  }));
  for (let i = 0; i < REPETITIONS; i++)
    for (const { precision, run } of steps) {
      const startedMs = performance.now();
      disposeTree(await run(inputs));
      best[precision] = Math.min(best[precision], performance.now() - startedMs);
    }
  disposeTree(inputs);
  const gigaflops = (2 * ROWS * INNER * COLUMNS) / 1e6;
  return { f32: gigaflops / best.f32, bf16: gigaflops / best.bf16 };
}

function versionsOf(
  entry: EngineEntry,
  { runtime }: LoadedEngine,
  precision: Precision,
): Record<string, string> {
  return {
    '@tensorflow/tfjs-core': tf.version_core,
    [entry.packageName]: entry.version() ?? 'unknown',
    ...entry.otherVersions?.(),
    ...(runtime ? { threads: String(numThreads()) } : {}),
    ...(precision === 'f32' ? {} : { precision }),
  };
}

/** A runtime gets steps as graphs; without one they run eagerly. */
function compilerOf({ runtime, roundingRuntime }: LoadedEngine, precision: Precision): Engine['compile'] {
  const chosen = precision === 'bf16' ? roundingRuntime : runtime;
  return chosen ? graphCompiler(chosen) : eager;
}
