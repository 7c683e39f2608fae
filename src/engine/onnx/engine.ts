import { defineEngine, packageVersion } from '../entry.ts';

const packageName = 'onnxruntime-node';

/** ONNX Runtime: each step is one graph. The usual default. */
export const onnx = defineEngine({
  name: 'onnx',
  packageName,
  // Its install script fetches GPU libraries that are not needed; where it fails, npm drops the package.
  howToGet: 'npm install onnxruntime-node --onnxruntime-node-install=skip',
  version: () => packageVersion(packageName),
  load: async () => {
    const [{ loadCpu }, { onnxRuntime }] = await Promise.all([
      import('../cpu/load.ts'),
      import('./runtime.ts'),
    ]);
    return { backend: await loadCpu(), runtime: onnxRuntime() };
  },
});
