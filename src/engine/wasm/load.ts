import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { registerAdamW } from '../kernels/adamw.ts';
import { fixKernels } from './fix-kernels.ts';

/**
 * Loads the WebAssembly backend of TensorFlow.js and fixes the kernels that training needs. Returns the
 * backend's name.
 */
export async function loadWasm(): Promise<string> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const folder = dirname(
    createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'),
  );
  setWasmPaths(`${join(folder, 'wasm-out')}/`);
  fixKernels();
  registerAdamW<BackendWasm>('wasm', {
    read: (backend, info) => backend.typedArrayFromHeap(info) as Float32Array,
    make: (backend, shape) => backend.makeOutput(shape, 'float32'),
  });
  return 'wasm';
}
