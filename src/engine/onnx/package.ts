/** Where ONNX Runtime is: among calm's dependencies, or where `calm engine install onnx` put it. */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageVersion } from '../entry.ts';
import { type Costs, folderOf, type InstalledEngine, installedIn } from '../installs/folder.ts';

export const PACKAGE = 'onnxruntime-node';

/** Of version 1.30, on linux-x64. */
export const ONNX_COSTS: Costs = { downloadMegabytes: 114, diskMegabytes: 50, minutes: 1 };

const require = createRequire(import.meta.url);

/** The version that calm was tried with: the oldest that package.json allows. */
export function triedVersion(): string {
  const { optionalDependencies } = require('calm-lm/package.json') as {
    optionalDependencies: Record<typeof PACKAGE, string>;
  };
  return optionalDependencies[PACKAGE].replace(/^\D+/, '');
}

export function onnxFolder(): string {
  return folderOf(`onnx-${triedVersion()}`);
}

/** What was installed and is used: not where the package is among calm's dependencies. */
export function installedOnnx(): InstalledEngine | undefined {
  return packageVersion(PACKAGE) === undefined ? installedIn(onnxFolder) : undefined;
}

/** The version that is there; undefined where there is none. */
export function onnxVersion(): string | undefined {
  return packageVersion(PACKAGE) ?? installedOnnx()?.packageVersion;
}

/** Loads the package. @param folder of an install; where absent, whatever is used */
export function requireOnnx(folder = installedOnnx() && onnxFolder()): unknown {
  return folder === undefined ? require(PACKAGE) : createRequire(join(folder, 'package.json'))(PACKAGE);
}

/** Builds that the package has for this platform: Intel Macs have none. */
export function hasOnnxBuild({ platform, arch } = process): boolean {
  if (platform === 'darwin') return arch === 'arm64';
  return (platform === 'linux' || platform === 'win32') && (arch === 'x64' || arch === 'arm64');
}
