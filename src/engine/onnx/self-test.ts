/** self-test.js FOLDER: does the ONNX Runtime in a folder calculate? Ends with 0, or says what is wrong. */

import { loadCpu } from '../cpu/load.ts';
import { checkNumbers, knownStep } from '../installs/known-numbers.ts';
import { tf } from '../tensors.ts';
import { graphCompiler } from '../trace/compiler.ts';
import { onnxRuntime } from './runtime.ts';

const [folder] = process.argv.slice(2);
await tf.setBackend(await loadCpu());
await checkNumbers('compiled', graphCompiler(onnxRuntime(folder))(knownStep));
