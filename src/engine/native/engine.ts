/** TensorFlow, where `calm engine install` put it: each step is one graph. */

import { defineEngine } from '../entry.ts';
import { engineFolder, installedEngine, NATIVE, type NativeEngine } from './folder.ts';

function tensorFlow<const Name extends NativeEngine>(name: Name) {
  const { packageName, target } = NATIVE[name];
  return defineEngine({
    name,
    packageName,
    howToGet: `calm engine install ${target}`,
    version: () => installedEngine(name)?.packageVersion,
    otherVersions: () => ({ tensorflow: installedEngine(name)?.tensorflowVersion ?? 'unknown' }),
    load: async () => {
      if (!installedEngine(name)) throw new Error('it is not installed');
      const [{ loadNative }, { tensorFlowRuntime }] = await Promise.all([
        import('./load.ts'),
        import('../tensorflow/runtime.ts'),
      ]);
      return {
        backend: loadNative(engineFolder(name), packageName),
        runtime: tensorFlowRuntime('f32'),
        roundingRuntime: tensorFlowRuntime('bf16'),
      };
    },
  });
}

export const node = tensorFlow('node');
/** With CUDA. */
export const nodeGpu = tensorFlow('node-gpu');
