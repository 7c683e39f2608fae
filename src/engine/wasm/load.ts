import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { prepareWasm } from './prepare.ts';

/** Loads the WebAssembly backend of TensorFlow.js from its package. Returns the backend's name. */
export async function loadWasm(): Promise<string> {
  const folder = dirname(
    createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'),
  );
  return prepareWasm(`${join(folder, 'wasm-out')}/`);
}
