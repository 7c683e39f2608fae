/** Where installed TensorFlow engines live, and what is there. Light: loads no tensor library. */

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The engines that `calm engine install` makes. */
export type NativeEngine = 'node' | 'node-gpu';

/**
 * What `calm engine install cpu|gpu` gets: npm's sources of the binding, and the wheel that holds the
 * library.
 */
export const NATIVE: Record<
  NativeEngine,
  { readonly target: 'cpu' | 'gpu'; readonly packageName: string; readonly wheel: string }
> = {
  node: { target: 'cpu', packageName: '@tensorflow/tfjs-node', wheel: 'tensorflow-cpu' },
  'node-gpu': { target: 'gpu', packageName: '@tensorflow/tfjs-node-gpu', wheel: 'tensorflow' },
};

export function isNative(name: string): name is NativeEngine {
  return name in NATIVE;
}

/** Versions that were tried together. */
export const TFJS_NODE_VERSION = '4.22.0';
export const TENSORFLOW_VERSION = '2.21.0';

/** engine.json: what was installed, and when. */
export interface InstalledEngine {
  readonly name: NativeEngine;
  readonly packageName: string;
  readonly packageVersion: string;
  readonly tensorflowVersion: string;
  readonly sizeBytes: number;
  readonly installedAt: string;
}

/** The folder of all engines: $CALM_CACHE, else the user's cache folder. */
export function enginesFolder(): string {
  const cache =
    process.env.CALM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'calm-lm');
  return join(cache, 'engines');
}

/** The folder of one engine, keyed by all that its files depend on. */
export function engineFolder(name: NativeEngine): string {
  return join(
    enginesFolder(),
    `${name}-${TFJS_NODE_VERSION}-tensorflow-${TENSORFLOW_VERSION}-${process.platform}-${process.arch}`,
  );
}

/** What is installed under a name; undefined where nothing whole is. */
export function installedEngine(name: NativeEngine): InstalledEngine | undefined {
  try {
    return JSON.parse(readFileSync(join(engineFolder(name), 'engine.json'), 'utf8')) as InstalledEngine;
  } catch {
    return undefined;
  }
}

/** Parts of an engine's folder. */
export const PARTS = {
  package: 'tfjs-node',
  tensorflow: 'tensorflow',
  nvidia: 'nvidia',
  binding: 'tfjs_binding.node',
} as const;
