/**
 * Installs TensorFlow for Node from the registries: the library out of TensorFlow's own Python wheel, the
 * binding compiled from the sources of tfjs-node.
 */

import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { engineInstallNeeds } from '../../errors.ts';
import type { InstalledEngine } from '../installs/folder.ts';
import {
  failed,
  folderSize,
  type InstallProgress,
  installInto,
  MEGABYTE,
  needProgram,
  needRoom,
  run,
  selfTest,
  unpackFromNpm,
} from '../installs/staging.ts';
import {
  engineFolder,
  NATIVE,
  type NativeEngine,
  PARTS,
  TENSORFLOW_COSTS,
  TENSORFLOW_VERSION,
  TFJS_NODE_VERSION,
} from './folder.ts';
import { SHARED_TFJS } from './load.ts';
import { extractWheel, readWheelText } from './wheel.ts';

/** Installs an engine, over one that is there. Throws errors of the user's that name what is missing. */
export async function installTensorFlow(
  name: NativeEngine,
  progress: InstallProgress,
): Promise<InstalledEngine> {
  await checkNeeds(name);
  const { packageName } = NATIVE[name];
  const work = async (staging: string) => {
    await getPackage(name, staging, progress);
    await getLibraries(name, staging, progress);
    progress('compiling the binding');
    await compileBinding(name, staging);
    progress('checking the numbers');
    await selfTest(new URL('self-test', import.meta.url), [staging, packageName]);
    return { packageVersion: TFJS_NODE_VERSION, tensorflowVersion: TENSORFLOW_VERSION };
  };
  return installInto(engineFolder(name), { name, packageName }, progress, work, [
    join(PARTS.tensorflow, 'include'),
    'libraries-done',
    'wheels',
  ]);
}

async function checkNeeds(name: NativeEngine): Promise<void> {
  if (process.platform !== 'linux')
    throw engineInstallNeeds('Linux', `this is ${process.platform}; the engine "onnx" works here`);
  await needProgram('g++', ['--version'], 'a C++ compiler: apt install g++, dnf install gcc-c++');
  await needProgram(
    'python3',
    ['-m', 'pip', '--version'],
    'python3 with pip (only to download): apt install python3-pip',
  );
  await needProgram('tar', ['--version'], 'tar: apt install tar');
  await needRoom(TENSORFLOW_COSTS[name]);
  if (name === 'node-gpu' && !existsSync('/dev/nvidia0'))
    throw engineInstallNeeds(
      'an NVIDIA GPU',
      'there is no /dev/nvidia0 here; `calm engine install cpu` needs none',
    );
}

/** The one dependency that the backend loads, at the version that tfjs-node asks for. */
const PROTOBUF = 'google-protobuf@3';

/** tfjs-node as npm has it, unpacked; its TensorFlow.js is the one of this process. */
async function getPackage(name: NativeEngine, staging: string, progress: InstallProgress): Promise<void> {
  const folder = join(staging, PARTS.package);
  if (existsSync(join(folder, 'package.json'))) return;
  const { packageName } = NATIVE[name];
  progress(`getting ${packageName}`);
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await unpackFromNpm(`${packageName}@${TFJS_NODE_VERSION}`, partial, [
    'package/package.json',
    'package/dist',
    'package/binding',
  ]);
  await unpackFromNpm(PROTOBUF, join(partial, 'node_modules/google-protobuf'));
  for (const library of ['tfjs', 'tfjs-core']) {
    const shim = join(partial, 'node_modules/@tensorflow', library);
    await mkdir(shim, { recursive: true });
    await writeFile(join(shim, 'index.js'), `module.exports = globalThis[Symbol.for('${SHARED_TFJS}')];\n`);
  }
  await rename(partial, folder);
}

/** What of TensorFlow's wheel is needed: the libraries, and the headers that the binding includes. */
const LIBRARY = /^tensorflow\/(libtensorflow_cc\.so\.2|libtensorflow_framework\.so\.2)$/;
const HEADERS = /^tensorflow\/include\/(tensorflow\/(c|core)|xla\/tsl|tsl)\//;
const NVIDIA_LIBRARY = /^nvidia\/[^/]+\/lib\/[^/]+\.so[.\d]*$/;

async function getLibraries(name: NativeEngine, staging: string, progress: InstallProgress): Promise<void> {
  const done = join(staging, 'libraries-done');
  if (existsSync(done)) return;
  const wheel = await download(`${NATIVE[name].wheel}==${TENSORFLOW_VERSION}`, staging, progress);
  await extractWheel(
    wheel,
    staging,
    (entry) => LIBRARY.test(entry) || HEADERS.test(entry),
    (megabytes) => progress('unpacking TensorFlow', megabytes),
  );
  if (name === 'node-gpu') {
    for (const requirement of nvidiaRequirements(await readWheelText(wheel, /\.dist-info\/METADATA$/))) {
      const cuda = await download(requirement, staging, progress);
      await extractWheel(
        cuda,
        staging,
        (entry) => NVIDIA_LIBRARY.test(entry),
        (megabytes) => progress(`unpacking ${basename(cuda)}`, megabytes),
      );
    }
  }
  await writeFile(done, '');
  await rm(join(staging, 'wheels'), { recursive: true, force: true });
}

/**
 * `Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"` →
 * `nvidia-cublas-cu12<13.0,>=12.5.3.2`.
 */
export function nvidiaRequirements(metadata: string): string[] {
  return [...metadata.matchAll(/^Requires-Dist: (nvidia-[^;\s]+)/gm)].flatMap(
    ([, requirement]) => requirement ?? [],
  );
}

/**
 * A wheel by pip, which knows the user's registry and checks its hash. A wheel that is there is whole: pip
 * moves it in at the end.
 */
async function download(requirement: string, staging: string, progress: InstallProgress): Promise<string> {
  const project = requirement.replace(/[<>=!~].*/, '');
  const folder = join(staging, 'wheels', project);
  const found = async () =>
    (await readdir(folder).catch(() => [] as string[])).find((file) => file.endsWith('.whl'));
  const present = await found();
  if (present) return join(folder, present);
  const temporary = join(staging, 'pip');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const timer = setInterval(
    async () => progress(`downloading ${project}`, (await folderSize(temporary)) / MEGABYTE),
    500,
  );
  // For CPython 3.11 whatever Python is here: nothing in it is run.
  const args = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '--implementation=cp',
    '--python-version=3.11',
    '--dest',
    folder,
    requirement,
  ];
  try {
    await run('python3', args, { env: { ...process.env, TMPDIR: temporary } }).catch(failed('pip download'));
  } finally {
    clearInterval(timer);
    await rm(temporary, { recursive: true, force: true });
  }
  return join(folder, (await found()) as string);
}

/**
 * Compiles the binding with the N-API headers of the package node-api-headers: N-API is stable, so the result
 * serves every Node.
 */
async function compileBinding(name: NativeEngine, staging: string): Promise<void> {
  const library = join(staging, PARTS.tensorflow);
  for (const short of ['cc', 'framework']) {
    const link = join(library, short === 'cc' ? 'libtensorflow.so' : 'libtensorflow_framework.so');
    await rm(link, { force: true });
    await symlink(`libtensorflow_${short}.so.2`, link);
  }
  const headers = dirname(createRequire(import.meta.url).resolve('node-api-headers/include/node_api.h'));
  const sources = join(staging, PARTS.package, 'binding');
  const files = (await readdir(sources))
    .filter((file) => file.endsWith('.cc'))
    .map((file) => join(sources, file));
  const includes = [headers, join(library, 'include'), join(staging, PARTS.package)].map(
    (folder) => `-I${folder}`,
  );
  const cuda = name === 'node-gpu' ? await cudaLinks(staging) : [];
  const flags = [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-shared',
    '-DNAPI_VERSION=8',
    '-DNODE_GYP_MODULE_NAME=tfjs_binding',
    '-DBUILDING_NODE_EXTENSION',
  ];
  const link = [
    `-L${library}`,
    '-ltensorflow',
    '-ltensorflow_framework',
    '-Wl,-rpath,$ORIGIN/tensorflow',
    ...cuda,
  ];
  await run('g++', [...flags, ...includes, ...files, ...link, '-o', join(staging, PARTS.binding)], {
    maxBuffer: 2 ** 24,
  }).catch(failed('g++'));
}

/**
 * TensorFlow opens CUDA's libraries by their bare names; those that the binding is linked to are there by
 * then.
 */
async function cudaLinks(staging: string): Promise<string[]> {
  const root = join(staging, PARTS.nvidia);
  const links: string[] = ['-Wl,--no-as-needed'];
  for (const part of await readdir(root)) {
    const folder = join(root, part, 'lib');
    links.push(`-Wl,-rpath,$ORIGIN/nvidia/${part}/lib`, `-Wl,-rpath-link,${folder}`);
    for (const file of await readdir(folder).catch(() => [] as string[])) links.push(join(folder, file));
  }
  return links;
}
