import { defineEngine } from '../entry.ts';
import { hasOnnxBuild, onnxVersion, PACKAGE } from './package.ts';

/** ONNX Runtime: each step is one graph. The usual default. */
export const onnx = defineEngine({
  name: 'onnx',
  packageName: PACKAGE,
  // Its install script fetches GPU libraries that are not needed; where it fails, npm drops the package.
  howToGet: 'calm engine install onnx',
  version: onnxVersion,
  isExpected: hasOnnxBuild,
  load: async () => {
    const [{ loadCpu }, { onnxRuntime }] = await Promise.all([
      import('../cpu/load.ts'),
      import('./runtime.ts'),
    ]);
    return { backend: await loadCpu(), runtime: onnxRuntime() };
  },
});
