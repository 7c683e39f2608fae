/**
 * npm run full-disk [-- --config configs/smoke.yaml --engine onnx]: runs a configuration on a file system
 * that really is full in the middle of each stage (a tmpfs in a
 * mount namespace of its own, so no rights are needed where user namespaces are allowed), makes room, goes on
 * with the same command, and compares what it ends with.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { calm } from './cli.ts';
import { differingFiles } from './run-contents.ts';

const { values } = parseArgs({
  options: {
    config: { type: 'string', default: 'configs/smoke.yaml' },
    engine: { type: 'string', default: 'onnx' },
  },
});

function bytesBelow(root: string): number {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce(
    (sum, entry) => sum + Math.ceil(statSync(join(entry.parentPath, entry.name)).size / 4096) * 4096,
    0,
  );
}

async function inside(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'calm-full-'));
  const disk = join(folder, 'disk');
  execFileSync('mkdir', [disk]);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1g', 'tmpfs', disk]);
  const resize = (bytes: number) => execFileSync('mount', ['-o', `remount,size=${bytes}`, disk]);
  const run = (output: string, ...more: string[]) =>
    calm(
      [
        'run',
        resolve(values.config),
        '--engine',
        values.engine,
        '--set',
        `output=${output}`,
        '--json',
        ...more,
      ],
      folder,
    );
  const straight = await run('straight');
  if (straight.code !== 0) throw new Error(straight.stderr);
  const { run: directory, stages } = JSON.parse(straight.stdout) as {
    run: string;
    stages: { name: string }[];
  };
  for (const { name } of stages) {
    // Room for two fifths of what the stage makes in the end.
    resize(bytesBelow(disk) + Math.max(4096, Math.floor(0.4 * bytesBelow(join(directory, name)))));
    const failed = await run('disk', '--until', name);
    const { error } = JSON.parse(failed.stdout || '{}') as { error?: { code: string; message: string } };
    if (error?.code !== 'CALM_DISK_FULL')
      throw new Error(`${name}: exit ${failed.code}, ${failed.stdout}${failed.stderr}`);
    resize(2 ** 30);
    const again = await run('disk', '--until', name);
    if (again.code !== 0) throw new Error(`${name}, with room: ${again.stderr}`);
    console.log(`${name}: ${error.message.replaceAll(folder, '…')} With room, the same command resumed.`);
  }
  const differing = differingFiles(disk, join(folder, 'straight'));
  execFileSync('umount', [disk]);
  rmSync(folder, { recursive: true });
  if (differing.length) throw new Error(`${differing.join(', ')} differ from an undisturbed run`);
  console.log(
    `${stages.length} stages, each on a disk that filled up under it: weights, metrics and every other ` +
      `file as in an undisturbed run`,
  );
}

if (process.env.CALM_FULL_DISK) await inside();
else {
  const { status } = spawnSync(
    'unshare',
    ['-rm', process.execPath, ...process.execArgv, import.meta.filename, ...process.argv.slice(2)],
    {
      stdio: 'inherit',
      env: { ...process.env, CALM_FULL_DISK: '1' },
    },
  );
  process.exitCode = status ?? 1;
}
