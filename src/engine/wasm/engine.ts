import { defineEngine, packageVersion } from '../entry.ts';

const packageName = '@tensorflow/tfjs-backend-wasm';

/** TensorFlow.js on WebAssembly, on one thread: where ONNX Runtime has no build. */
export const wasm = defineEngine({
  name: 'wasm',
  packageName,
  howToGet: 'npm ci',
  version: () => packageVersion(packageName),
  load: async () => ({ backend: await (await import('./load.ts')).loadWasm() }),
});
