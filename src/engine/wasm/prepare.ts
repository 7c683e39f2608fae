import { type BackendWasm, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { registerAdamW } from '../kernels/adamw.ts';
import { fixKernels } from './fix-kernels.ts';

/**
 * The WebAssembly backend of TensorFlow.js, with the kernels fixed that training needs.
 * @param paths the folder of its binaries, or the address of each
 * @returns the backend's name
 */
export function prepareWasm(paths: Parameters<typeof setWasmPaths>[0]): string {
  setWasmPaths(paths);
  fixKernels();
  registerAdamW<BackendWasm>('wasm', {
    read: (backend, info) => backend.typedArrayFromHeap(info) as Float32Array,
    make: (backend, shape) => backend.makeOutput(shape, 'float32'),
  });
  return 'wasm';
}
