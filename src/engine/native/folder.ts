/** Where installed TensorFlow engines live, and what is there. Light: loads no tensor library. */

import { type Costs, folderOf, type InstalledEngine, installedIn } from '../installs/folder.ts';

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

/** Versions that were tried together. */
export const TFJS_NODE_VERSION = '4.22.0';
export const TENSORFLOW_VERSION = '2.21.0';

/** Measured for TensorFlow 2.21 on linux-x64 (node-gpu: from the registry's file sizes, not run). */
export const TENSORFLOW_COSTS: Readonly<Record<NativeEngine, Costs>> = {
  node: { downloadMegabytes: 275, diskMegabytes: 860, minutes: 1 },
  'node-gpu': { downloadMegabytes: 3500, diskMegabytes: 7500, minutes: 10 },
};

/** The folder of one engine, keyed by all that its files depend on. */
export function engineFolder(name: NativeEngine): string {
  return folderOf(`${name}-${TFJS_NODE_VERSION}-tensorflow-${TENSORFLOW_VERSION}`);
}

/** What is installed under a name; undefined where nothing whole is. */
export function installedEngine(name: NativeEngine): InstalledEngine | undefined {
  return installedIn(() => engineFolder(name));
}

/** Parts of an engine's folder. */
export const PARTS = {
  package: 'tfjs-node',
  tensorflow: 'tensorflow',
  nvidia: 'nvidia',
  binding: 'tfjs_binding.node',
} as const;
