/** Engines of a browser: WebGPU, and WebAssembly as in Node, with the same kernels. */

/** The binary for one thread with SIMD: its address. */
import wasmFile from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm?url';
import { eager } from '../eager.ts';
import type { Engine } from '../engine.ts';
import { tf } from '../tensors.ts';
import { prepareWasm } from '../wasm/prepare.ts';

export const BROWSER_ENGINES = ['webgpu', 'wasm'] as const;
export type BrowserEngine = (typeof BROWSER_ENGINES)[number];

/**
 * Loads an engine. Results of `wasm` are those of the same engine in Node; those of `webgpu` agree to rounding.
 */
export async function loadBrowserEngine(name: BrowserEngine): Promise<Engine> {
  const backend = name === 'webgpu' ? await prepareWebGpu() : prepareOneWasm();
  const isReady = await tf.setBackend(backend);
  if (!isReady || tf.getBackend() !== backend) throw new Error(`this browser has no ${WORDS[name]}`);
  await tf.ready();
  tf.enableProdMode();
  return {
    name,
    isCompiling: false,
    precision: 'f32',
    versions: { '@tensorflow/tfjs-core': tf.version_core },
    compile: eager,
    memory: () => ({ numTensors: tf.memory().numTensors, numBytes: tf.memory().numBytes }),
  };
}

const WORDS = { webgpu: 'WebGPU', wasm: 'WebAssembly with SIMD' } as const;

/** Whether there is a graphics processor to compute on. */
export async function hasWebGpu(): Promise<boolean> {
  const { gpu } = globalThis.navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
  return Boolean(await gpu?.requestAdapter().catch(() => null));
}

async function prepareWebGpu(): Promise<string> {
  await import('@tensorflow/tfjs-backend-webgpu');
  return 'webgpu';
}

/** One binary for all: with threads sums would be split otherwise than in Node. */
function prepareOneWasm(): string {
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const names = [
    'tfjs-backend-wasm.wasm',
    'tfjs-backend-wasm-simd.wasm',
    'tfjs-backend-wasm-threaded-simd.wasm',
  ];
  return prepareWasm(Object.fromEntries(names.map((name) => [name, wasmFile])));
}
