/** The engines, in the order in which `auto` tries them. A new one is a folder and a line here. */

import { cpu } from './cpu/engine.ts';
import { node, nodeGpu } from './native/engine.ts';
import { onnx } from './onnx/engine.ts';
import { wasm } from './wasm/engine.ts';

export const ENGINES = [nodeGpu, node, onnx, wasm, cpu] as const;
