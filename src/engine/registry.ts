/**
 * The engines, in the order in which `auto` tries them. A new one is a folder and a line here; a plugin's
 * module adds
 * one with `registerEngine`, which is taken where it is named and not by `auto`.
 */

import { engineDuplicate } from '../errors.ts';
import { cpu } from './cpu/engine.ts';
import type { EngineEntry } from './entry.ts';
import { node, nodeGpu } from './native/engine.ts';
import { onnx } from './onnx/engine.ts';
import { wasm } from './wasm/engine.ts';

export const ENGINES = [nodeGpu, node, onnx, wasm, cpu] as const;

const registered: EngineEntry[] = [];

/** Adds an engine. A name that is taken is an error, unless the same entry comes again. */
export function registerEngine(entry: EngineEntry): void {
  const taken = allEngines().find(({ name }) => name === entry.name);
  if (taken === entry) return;
  if (taken || entry.name === 'auto') throw engineDuplicate(entry.name);
  registered.push(entry);
}

/** The built-in engines, then those of plugins. */
export function allEngines(): readonly EngineEntry[] {
  return [...ENGINES, ...registered];
}
