/**
 * The engine room in a browser: the bundle of the page has this door in the place of `engine/index.ts`, so
 * `math`, `models` and `sampling` are the same there. Nothing is trained and no graph is made.
 */

export type { Engine } from '../engine.ts';
export type { CompiledStep, CompileOptions, Step } from '../step.ts';
export * from '../tensors.ts';
