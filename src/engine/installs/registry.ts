/** The engines that `calm engine install` gets. Loads no tensor library. */

import { engineFolder, installedEngine, type NativeEngine, TENSORFLOW_COSTS } from '../native/folder.ts';
import { installedOnnx, ONNX_COSTS, onnxFolder } from '../onnx/package.ts';
import type { Costs, InstalledEngine } from './folder.ts';
import type { InstallProgress } from './staging.ts';

export interface InstallableEngine {
  /** What the command calls it. */
  readonly target: string;
  readonly name: string;
  readonly costs: Costs;
  readonly folder: () => string;
  /** What is in the folder, as far as it is used. */
  readonly installed: () => InstalledEngine | undefined;
  readonly install: (progress: InstallProgress) => Promise<InstalledEngine>;
}

const tensorFlow = (name: NativeEngine, target: string): InstallableEngine => ({
  target,
  name,
  costs: TENSORFLOW_COSTS[name],
  folder: () => engineFolder(name),
  installed: () => installedEngine(name),
  install: async (progress) => (await import('../native/install.ts')).installTensorFlow(name, progress),
});

export const INSTALLABLE: readonly InstallableEngine[] = [
  tensorFlow('node', 'cpu'),
  tensorFlow('node-gpu', 'gpu'),
  {
    target: 'onnx',
    name: 'onnx',
    costs: ONNX_COSTS,
    folder: onnxFolder,
    installed: installedOnnx,
    install: async (progress) => (await import('../onnx/install.ts')).installOnnx(progress),
  },
];
