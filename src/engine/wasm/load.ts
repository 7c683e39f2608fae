import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { mendKernels } from './mend-kernels.ts';

/** Loads the WebAssembly backend of TensorFlow.js and mends the kernels that training needs. Returns the backend's name. */
export async function loadWasm(): Promise<string> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  setWasmPaths(`${join(folder, 'wasm-out')}/`);
  mendKernels();
  return 'wasm';
}
