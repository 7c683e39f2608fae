import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { sizeOf } from '../../shapes.ts';
import { registerAdamW } from '../kernels/adamw.ts';

/** Loads the backend in plain JavaScript, whose tensors are typed arrays. Returns its name. */
export async function loadCpu(): Promise<string> {
  await import('@tensorflow/tfjs-backend-cpu');
  registerAdamW<MathBackendCPU>('cpu', {
    read: (backend, { dataId }) => backend.data.get(dataId).values as Float32Array,
    make: (backend, shape) => backend.makeTensorInfo(shape, 'float32', new Float32Array(sizeOf(shape))),
  });
  return 'cpu';
}
