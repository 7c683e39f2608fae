/**
 * Installs ONNX Runtime where npm dropped it: the package as npm has it, without its install script, which
 * fetches GPU libraries that nothing here uses, and without the builds for other platforms.
 */

import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { engineInstallNeeds } from '../../errors.ts';
import type { InstalledEngine } from '../installs/folder.ts';
import {
  type InstallProgress,
  installInto,
  needProgram,
  needRoom,
  selfTest,
  unpackFromNpm,
} from '../installs/staging.ts';
import { hasOnnxBuild, ONNX_COSTS, onnxFolder, PACKAGE, triedVersion } from './package.ts';

/** What it loads, in the same version. */
const COMMON = 'onnxruntime-common';

export async function installOnnx(progress: InstallProgress): Promise<InstalledEngine> {
  if (!hasOnnxBuild())
    throw engineInstallNeeds(
      'a build of ONNX Runtime',
      `there is none for ${process.platform}-${process.arch}; the engine "wasm" works here`,
    );
  await needProgram('npm', ['--version'], 'npm, which comes with Node');
  await needProgram('tar', ['--version'], 'tar: apt install tar');
  await needRoom(ONNX_COSTS);
  const packageVersion = triedVersion();
  return installInto(onnxFolder(), { name: 'onnx', packageName: PACKAGE }, progress, async (staging) => {
    for (const name of [PACKAGE, COMMON]) {
      progress(`getting ${name}`);
      await getPackage(`${name}@${packageVersion}`, join(staging, 'node_modules', name));
    }
    progress('checking the numbers');
    await selfTest(new URL('self-test', import.meta.url), [staging]);
    return { packageVersion };
  });
}

async function getPackage(specifier: string, folder: string): Promise<void> {
  if (existsSync(folder)) return;
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await unpackFromNpm(specifier, partial, [...withoutOtherBuilds(), 'package']);
  await rename(partial, folder);
}

/** For tar: bin/napi-v6/<platform>/<architecture> of the others. */
function withoutOtherBuilds(): string[] {
  const builds = ['linux', 'darwin', 'win32'].flatMap((platform) =>
    ['x64', 'arm64'].map((arch) => `${platform}/${arch}`),
  );
  const own = `${process.platform}/${process.arch}`;
  return builds.filter((build) => build !== own).map((build) => `--exclude=package/bin/*/${build}`);
}
