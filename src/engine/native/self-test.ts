/**
 * self-test.js FOLDER PACKAGE: does the TensorFlow in a folder calculate? Ends with 0, or says on stderr what
 * is wrong.
 */

import { checkNumbers, knownStep } from '../installs/known-numbers.ts';
import { tensorFlowRuntime } from '../tensorflow/runtime.ts';
import { tf } from '../tensors.ts';
import { graphCompiler } from '../trace/compiler.ts';
import { loadNative } from './load.ts';

const [folder, packageName] = process.argv.slice(2) as [string, string];
await tf.setBackend(loadNative(folder, packageName));
if (tf.getBackend() !== 'tensorflow') throw new Error(`TensorFlow.js fell back to ${tf.getBackend()}`);

await checkNumbers('eager', async (inputs) => tf.tidy(() => knownStep(inputs)));
await checkNumbers('compiled', graphCompiler(tensorFlowRuntime('f32'))(knownStep));
