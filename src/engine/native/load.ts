/**
 * Loads tfjs-node's backend on a TensorFlow that `calm engine install` put there, with our own TensorFlow.js
 * beneath it.
 */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { numThreads } from '../../threads.ts';
import { tf } from '../tensors.ts';
import { PARTS } from './folder.ts';

/** Under this symbol the installed package finds TensorFlow.js: there is one in the process. */
export const SHARED_TFJS = 'calm-lm.tfjs';

interface Binding {
  isUsingGpuDevice(): boolean;
}
interface BackendModule {
  readonly NodeJSKernelBackend: new (binding: Binding, packageName: string) => tf.KernelBackend;
}

/** @returns the backend's name */
export function loadNative(folder: string, packageName: string): string {
  prepareProcess();
  (globalThis as Record<symbol, unknown>)[Symbol.for(SHARED_TFJS)] = tf;
  const require = createRequire(join(folder, PARTS.package, 'package.json'));
  const binding = require(join(folder, PARTS.binding)) as Binding;
  if (packageName.endsWith('-gpu') && !binding.isUsingGpuDevice()) throw new Error('TensorFlow sees no GPU');
  const { NodeJSKernelBackend } = require('./dist/nodejs_kernel_backend') as BackendModule;
  require('./dist/register_all_kernels');
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, packageName));
  return 'tensorflow';
}

/**
 * What must be so before the library loads: quiet, on as many threads as asked for, and two functions of
 * node:util back that Node 23 dropped.
 */
function prepareProcess(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  process.env.TF_NUM_INTRAOP_THREADS ??= String(numThreads());
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  const dropped = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  };
  // Assigned in any case: where Node still has them, each use would print a deprecation.
  Object.assign(util, dropped);
}
