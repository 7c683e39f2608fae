/**
 * Installs TensorFlow for Node from the registries: the library out of TensorFlow's own Python wheel, the
 * binding compiled from the sources of tfjs-node. Everything happens in a staging folder, which a killed or
 * failed install leaves for the next one to go on with; it is renamed into place once a self-test has passed.
 */

import { execFile, spawn } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { engineInstallFailed, engineInstallNeeds, lockHolder } from '../../errors.ts';
import { waitForLock } from '../../process-lock.ts';
import {
  engineFolder,
  enginesFolder,
  type InstalledEngine,
  NATIVE,
  type NativeEngine,
  PARTS,
  TENSORFLOW_VERSION,
  TFJS_NODE_VERSION,
} from './folder.ts';
import { SHARED_TFJS } from './load.ts';
import { extractWheel, readWheelText } from './wheel.ts';

const run = promisify(execFile);
const MEGABYTE = 1e6;

/**
 * What it takes, measured for TensorFlow 2.21 on linux-x64 (gpu: from the registry's file sizes, not run).
 */
export const COSTS: Record<
  NativeEngine,
  { readonly downloadMegabytes: number; readonly diskMegabytes: number; readonly minutes: number }
> = {
  node: { downloadMegabytes: 275, diskMegabytes: 860, minutes: 1 },
  'node-gpu': { downloadMegabytes: 3500, diskMegabytes: 7500, minutes: 10 },
};

/** Told as the install goes on; `megabytes` where something grows. */
export type InstallProgress = (what: string, megabytes?: number) => void;

/** Installs an engine, over one that is there. Throws errors of the user's that name what is missing. */
export async function installEngine(name: NativeEngine, progress: InstallProgress): Promise<InstalledEngine> {
  await checkNeeds(name);
  const staging = join(enginesFolder(), `.staging-${basename(engineFolder(name))}`);
  await mkdir(staging, { recursive: true });
  const attempt = await waitForLock(join(staging, 'lock'), (owner) =>
    progress(`waiting for another install (${lockHolder(owner)})`),
  );
  if ('owner' in attempt)
    throw engineInstallFailed('another install is under way', `${lockHolder(attempt.owner)}; wait for it`);
  try {
    await getPackage(name, staging, progress);
    await getLibraries(name, staging, progress);
    progress('compiling the binding');
    await compileBinding(name, staging);
    progress('checking the numbers');
    await selfTest(name, staging);
    return await putInPlace(name, staging);
  } finally {
    attempt.lock.release();
  }
}

/** Removes an engine and what an unfinished install left. */
export async function removeEngine(name: NativeEngine): Promise<string[]> {
  const all = await readdir(enginesFolder()).catch(() => [] as string[]);
  const own = all.filter((folder) => /^(?:\.staging-|\.old-)?(node|node-gpu)-\d/.exec(folder)?.[1] === name);
  for (const folder of own) await rm(join(enginesFolder(), folder), { recursive: true, force: true });
  return own;
}

async function checkNeeds(name: NativeEngine): Promise<void> {
  if (process.platform !== 'linux')
    throw engineInstallNeeds('Linux', `this is ${process.platform}; the engine "onnx" works here`);
  await command('g++', ['--version'], 'a C++ compiler: apt install g++, dnf install gcc-c++');
  await command(
    'python3',
    ['-m', 'pip', '--version'],
    'python3 with pip (only to download): apt install python3-pip',
  );
  await command('tar', ['--version'], 'tar: apt install tar');
  await mkdir(enginesFolder(), { recursive: true });
  const { bavail, bsize } = statfsSync(enginesFolder());
  const needed = COSTS[name].diskMegabytes + COSTS[name].downloadMegabytes;
  const free = (bavail * bsize) / MEGABYTE;
  if (free < needed)
    throw engineInstallNeeds(
      'disk space',
      `${needed} MB in ${enginesFolder()}, and ${Math.round(free)} MB are free; CALM_CACHE=FOLDER puts ` +
        `it elsewhere`,
    );
  if (name === 'node-gpu' && !existsSync('/dev/nvidia0'))
    throw engineInstallNeeds(
      'an NVIDIA GPU',
      'there is no /dev/nvidia0 here; `calm engine install cpu` needs none',
    );
}

async function command(program: string, args: string[], advice: string): Promise<void> {
  await run(program, args).catch(() => {
    throw engineInstallNeeds(program, advice);
  });
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
  await unpackFromNpm(PROTOBUF, join(partial, 'node_modules/google-protobuf'), ['package']);
  for (const library of ['tfjs', 'tfjs-core']) {
    const shim = join(partial, 'node_modules/@tensorflow', library);
    await mkdir(shim, { recursive: true });
    await writeFile(join(shim, 'index.js'), `module.exports = globalThis[Symbol.for('${SHARED_TFJS}')];\n`);
  }
  await rename(partial, folder);
}

/** A package's archive, which npm checks against its hash, without its scripts and dependencies. */
async function unpackFromNpm(specifier: string, folder: string, members: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run('npm', ['pack', '--silent', '--pack-destination', folder, specifier], { cwd: folder }).catch(
    failed('npm pack'),
  );
  const archive = (await readdir(folder)).find((file) => file.endsWith('.tgz')) as string;
  await run('tar', ['xzf', archive, '--strip-components=1', ...members], { cwd: folder }).catch(
    failed('tar'),
  );
  await rm(join(folder, archive));
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
  return [...metadata.matchAll(/^Requires-Dist: (nvidia-[^;\s]+)/gm)].map(([, requirement]) => requirement);
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

async function folderSize(folder: string): Promise<number> {
  let size = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (entry.isFile())
      size += (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size;
  }
  return size;
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

/** Runs in a process of its own: a library that crashes takes only that with it. */
async function selfTest(name: NativeEngine, folder: string): Promise<void> {
  const own = fileURLToPath(import.meta.url);
  const script = join(dirname(own), `self-test${own.endsWith('.ts') ? '.ts' : '.js'}`);
  const child = spawn(process.execPath, [...process.execArgv, script, folder, NATIVE[name].packageName], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (data) => {
    output += data;
  });
  const code = await new Promise((resolve) =>
    child.on('close', (exitCode, signal) => resolve(exitCode ?? signal)),
  );
  if (code !== 0)
    throw engineInstallFailed(
      'the self-test',
      output.trim().split('\n').slice(-8).join('\n') || `ended with ${String(code)}`,
    );
}

async function putInPlace(name: NativeEngine, staging: string): Promise<InstalledEngine> {
  await rm(join(staging, PARTS.tensorflow, 'include'), { recursive: true, force: true });
  for (const leftover of ['libraries-done', 'wheels', 'lock'])
    await rm(join(staging, leftover), { recursive: true, force: true });
  const record: InstalledEngine = {
    name,
    packageName: NATIVE[name].packageName,
    packageVersion: TFJS_NODE_VERSION,
    tensorflowVersion: TENSORFLOW_VERSION,
    sizeBytes: await folderSize(staging),
    installedAt: new Date().toISOString(),
  };
  await writeFile(join(staging, 'engine.json'), `${JSON.stringify(record, null, 2)}\n`);
  const folder = engineFolder(name);
  const old = join(enginesFolder(), `.old-${basename(folder)}`);
  await rm(old, { recursive: true, force: true });
  if (existsSync(folder)) await rename(folder, old);
  await rename(staging, folder);
  await rm(old, { recursive: true, force: true });
  return record;
}

/** A program's last words as an error of the user's. */
function failed(program: string) {
  return (error: { stderr?: string; message: string }): never => {
    const words = (error.stderr || error.message).trim().split('\n');
    throw engineInstallFailed(program, words.slice(-8).join('\n'));
  };
}
