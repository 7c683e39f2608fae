/**
 * How an engine is installed: in a staging folder, which a killed or failed install leaves for the next one to
 * go on with; it is renamed into place once a self-test has passed.
 */

import { execFile, spawn } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { engineInstallFailed, engineInstallNeeds, lockHolder } from '../../errors.ts';
import { waitForLock } from '../../process-lock.ts';
import { type Costs, enginesFolder, type InstalledEngine } from './folder.ts';

export const run = promisify(execFile);
export const MEGABYTE = 1e6;

/** Told as the install goes on; `megabytes` where something grows. */
export type InstallProgress = (what: string, megabytes?: number) => void;

/** What is in the staging folder when the work is done. */
type Made = Pick<InstalledEngine, 'packageVersion' | 'tensorflowVersion'>;

/**
 * Makes an engine in a staging folder and puts it in place, over one that is there.
 * @param work fills the folder and tests what is in it
 * @param leftovers of the work, which are no part of the engine
 */
export async function installInto(
  folder: string,
  engine: Pick<InstalledEngine, 'name' | 'packageName'>,
  progress: InstallProgress,
  work: (staging: string) => Promise<Made>,
  leftovers: readonly string[] = [],
): Promise<InstalledEngine> {
  const staging = join(enginesFolder(), `.staging-${basename(folder)}`);
  await mkdir(staging, { recursive: true });
  const attempt = await waitForLock(join(staging, 'lock'), (owner) =>
    progress(`waiting for another install (${lockHolder(owner)})`),
  );
  if ('owner' in attempt)
    throw engineInstallFailed('another install is under way', `${lockHolder(attempt.owner)}; wait for it`);
  try {
    const made = await work(staging);
    for (const leftover of [...leftovers, 'lock'])
      await rm(join(staging, leftover), { recursive: true, force: true });
    return await putInPlace(staging, folder, { ...engine, ...made });
  } finally {
    attempt.lock.release();
  }
}

async function putInPlace(
  staging: string,
  folder: string,
  engine: Omit<InstalledEngine, 'sizeBytes' | 'installedAt'>,
): Promise<InstalledEngine> {
  const sizeBytes = await folderSize(staging);
  const record: InstalledEngine = { ...engine, sizeBytes, installedAt: new Date().toISOString() };
  await writeFile(join(staging, 'engine.json'), `${JSON.stringify(record, null, 2)}\n`);
  const old = join(enginesFolder(), `.old-${basename(folder)}`);
  await rm(old, { recursive: true, force: true });
  if (existsSync(folder)) await rename(folder, old);
  await rename(staging, folder);
  await rm(old, { recursive: true, force: true });
  return record;
}

/** Removes an engine and what an unfinished install left. @returns the folders that were removed */
export async function removeEngine(name: string): Promise<string[]> {
  const all = await readdir(enginesFolder()).catch(() => [] as string[]);
  const own = all.filter(
    (folder) => /^(?:\.staging-|\.old-)?([a-z]+(?:-[a-z]+)*)-\d/.exec(folder)?.[1] === name,
  );
  for (const folder of own) await rm(join(enginesFolder(), folder), { recursive: true, force: true });
  return own;
}

/** A program that must be there. @param advice how to get it */
export async function needProgram(program: string, args: string[], advice: string): Promise<void> {
  await run(program, args).catch(() => {
    throw engineInstallNeeds(program, advice);
  });
}

/** Room for what is downloaded and for what becomes of it. */
export async function needRoom({ diskMegabytes, downloadMegabytes }: Costs): Promise<void> {
  await mkdir(enginesFolder(), { recursive: true });
  const { bavail, bsize } = statfsSync(enginesFolder());
  const needed = diskMegabytes + downloadMegabytes;
  const free = (bavail * bsize) / MEGABYTE;
  if (free < needed)
    throw engineInstallNeeds(
      'disk space',
      `${needed} MB in ${enginesFolder()}, and ${Math.round(free)} MB are free; CALM_CACHE=FOLDER puts ` +
        `it elsewhere`,
    );
}

/**
 * A package's archive, which npm checks against its hash, without its scripts and dependencies.
 * @param members of the archive that are unpacked; tar's options may come before
 */
export async function unpackFromNpm(
  specifier: string,
  folder: string,
  members: readonly string[] = ['package'],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const args = ['pack', '--silent', '--prefer-offline', '--pack-destination', folder, specifier];
  // npm is a script of the shell's on Windows.
  await run('npm', args, { cwd: folder, shell: process.platform === 'win32' }).catch(failed('npm pack'));
  const archive = (await readdir(folder)).find((file) => file.endsWith('.tgz')) as string;
  await run('tar', ['xzf', archive, '--strip-components=1', ...members], { cwd: folder }).catch(
    failed('tar'),
  );
  await rm(join(folder, archive));
}

export async function folderSize(folder: string): Promise<number> {
  let size = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (entry.isFile())
      size += (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size;
  }
  return size;
}

/**
 * Runs a self-test in a process of its own: a library that crashes takes only that with it.
 * @param script a URL without its ending, beside the module that names it
 */
export async function selfTest(script: URL, args: readonly string[]): Promise<void> {
  const file = `${fileURLToPath(script)}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`;
  const child = spawn(process.execPath, [...process.execArgv, file, ...args], {
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

/** A program's last words as an error of the user's. */
export function failed(program: string) {
  return (error: { stderr?: string; message: string }): never => {
    const words = (error.stderr || error.message).trim().split('\n');
    throw engineInstallFailed(program, words.slice(-8).join('\n'));
  };
}
