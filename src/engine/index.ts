/** The engine room: the only importer of TensorFlow.js. */

export { type Engine, loadEngine } from './engine.ts';
export { type LossOutputs, valueAndGradients } from './gradients.ts';
export { type AdamWAttributes, type AdamWInputs, applyAdamW } from './kernels/adamw.ts';
export {
  ENGINE_CHOICES,
  ENGINE_NAMES,
  ENGINE_PACKAGES,
  type EngineChoice,
  type EngineName,
  engineVersion,
} from './names.ts';
export { nvidiaRequirements } from './native/install.ts';
export type { Precision, PrecisionChoice, ProductRates } from './precision.ts';
export type { CompiledStep, CompileOptions, Step } from './step.ts';
export {
  disposeTree,
  floatTensor,
  intTensor,
  readFloat,
  readFloats,
  readIntegers,
  type Tensor,
  type TensorMap,
  type TensorTree,
  tensorOf,
  tf,
} from './tensors.ts';
