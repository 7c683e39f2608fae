/** The engines by name, in the order in which `auto` tries them. Light: loads no tensor library. */

import { createRequire } from 'node:module';
import { installedEngine, isNative } from './native/folder.ts';

export const ENGINE_NAMES = ['node-gpu', 'node', 'onnx', 'wasm', 'cpu'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];
export type EngineChoice = EngineName | 'auto';

/** The npm package behind each engine. */
export const ENGINE_PACKAGES: Record<EngineName, string> = {
  'node-gpu': '@tensorflow/tfjs-node-gpu',
  node: '@tensorflow/tfjs-node',
  onnx: 'onnxruntime-node',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
};

/**
 * How to get an engine that is missing. ONNX Runtime's install script fetches GPU libraries that are not
 * needed; where it fails, npm drops the package.
 */
export const HOW_TO_GET: Record<EngineName, string> = {
  'node-gpu': 'calm engine install gpu',
  node: 'calm engine install cpu',
  onnx: 'npm install onnxruntime-node --onnxruntime-node-install=skip',
  wasm: 'npm ci',
  cpu: 'npm ci',
};

const require = createRequire(import.meta.url);

/**
 * The version of an engine's package; undefined where it is not installed. Installed does not mean working:
 * its native library may be missing.
 */
export function engineVersion(name: EngineName): string | undefined {
  if (isNative(name)) return installedEngine(name)?.packageVersion;
  try {
    return (require(`${ENGINE_PACKAGES[name]}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}
