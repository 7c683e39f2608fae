import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { calm as calmAlone } from '../helpers/cli.ts';
import { killAtRandom } from '../helpers/kills.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { contentsOf } from '../helpers/run-contents.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES, writeTinyProject } from '../helpers/tiny.ts';

const STAGES = Object.keys(TINY_STAGES);
const PRELOAD = pathToFileURL(join(import.meta.dirname, '../helpers/faulty-disk.js')).href;

interface Fault {
  readonly code?: 'ENOSPC' | 'EIO';
  readonly on?: 'write' | 'read';
  readonly within: string;
  readonly afterBytes?: number;
  readonly delayMs?: number;
}

const environment = (fault: Fault) => ({ CALM_FAULT: JSON.stringify(fault) });

const calm = calmInOneProcess(test);
/** Commands whose disk fails or is slow as their CALM_FAULT says. */
const calmOnBadDisk = calmInOneProcess(test, { preload: [PRELOAD] });

/** The files of a run, as an undisturbed one leaves them; made once. */
let undisturbed: Promise<Map<string, string>> | undefined;
function whole(t: ExecutionContext): Promise<Map<string, string>> {
  undisturbed ??= (async () => {
    const folder = temporaryFolder(t);
    const config = writeTinyProject(folder, {}, { engine: 'onnx' });
    const { code, stderr } = await calmAlone(['run', config], folder);
    t.is(code, 0, stderr);
    return contentsOf(join(folder, 'runs'));
  })();
  return undisturbed;
}

for (const [code, on, expected] of [
  ['ENOSPC', 'write', /✖ CALM_DISK_FULL[\s\S]*\.work.*the disk is full[\s\S]*→ Make room/],
  ['EIO', 'write', /✖ CALM_DISK_FAILED[\s\S]*\.work.*can’t be read or written/],
  ['EIO', 'read', /✖ CALM_DISK_FAILED[\s\S]*can’t be read or written/],
] as const) {
  test.serial(
    `${code} in the middle of each stage (${on}): a clear message, and the same command resumes`,
    async (t) => {
      t.timeout(300_000);
      const expectedFiles = await whole(t);
      const folder = temporaryFolder(t);
      const config = writeTinyProject(folder, {}, { engine: 'onnx' });
      for (const [i, stage] of STAGES.entries()) {
        // Writes fail in the stage's own folder, reads in that of the stage before it. Stages that write
        // little fail early.
        const isLarge = stage.startsWith('train') || stage === 'encode-corpus';
        const fault =
          on === 'write'
            ? { code, on, within: `.work/${stage}/`, afterBytes: isLarge ? 3000 : 10 }
            : { code, on, within: i === 0 ? 'texts/' : `tiny/${STAGES[0]}/tokens/train` };
        const args = ['run', config, '--until', stage];
        if (on === 'write' || stage !== 'sample') {
          const failed = await calmOnBadDisk(args, folder, environment(fault));
          // Text files are read by streams, which this disk does not stand before.
          if (!(on === 'read' && i === 0)) {
            t.is(failed.code, 1, `${stage}: ${failed.stderr}`);
            t.regex(failed.stderr, expected);
            t.notRegex(failed.stderr, /\n {4}at /, 'no stack');
          }
        }
        const again = await calm(args, folder);
        t.is(again.code, 0, again.stderr);
      }
      t.deepEqual(contentsOf(join(folder, 'runs')), expectedFiles);
    },
  );
}

test.serial(
  'SIGKILL at random moments of every stage, again and again: the same bytes, and no stray file',
  async (t) => {
    t.timeout(300_000);
    const folder = temporaryFolder(t);
    // npm run kills does it a hundred times.
    const config = writeTinyProject(folder);
    const { hits } = await killAtRandom({ folder, config, engine: 'onnx', count: 6, seed: 1 });
    for (const [stage, number] of hits) t.true(number > 0, `${stage} was never hit`);
  },
);

test.serial('a slow disk changes nothing', async (t) => {
  const expectedFiles = await whole(t);
  const folder = temporaryFolder(t);
  const { code, stderr } = await calmOnBadDisk(
    ['run', writeTinyProject(folder, {}, { engine: 'onnx' })],
    folder,
    environment({ within: '.work/', delayMs: 5 }),
  );
  t.is(code, 0, stderr);
  t.deepEqual(contentsOf(join(folder, 'runs')), expectedFiles);
});

const filesOf = (root: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size > 0);

test.serial(
  'files that are cut short make their stages out of date; bits that flip are found by calm verify; both are ' +
    'made again',
  async (t) => {
    t.timeout(300_000);
    const expectedFiles = await whole(t);
    const folder = temporaryFolder(t);
    const config = writeTinyProject(folder, {}, { engine: 'onnx' });
    t.is((await calm(['run', config], folder)).code, 0);
    const root = join(folder, 'runs/tiny');
    // Checkpoints of finished models are no results: they are checked when something is trained on from them.
    const isResult = (path: string) => !/tiny\/(config\.yaml|run\.json|[^/]+\/checkpoints\/.*)$/.test(path);
    const files = filesOf(root).filter(isResult);
    t.true(files.length >= 20);

    for (const path of files) {
      const bytes = readFileSync(path);
      if (path.endsWith('manifest.json')) continue;
      bytes[Math.floor(bytes.length / 2)] ^= 4;
      writeFileSync(path, bytes);
    }
    const verified = await calm(['verify', config], folder);
    t.is(verified.code, 1);
    for (const path of files.filter((file) => !file.endsWith('manifest.json')))
      t.true(
        verified.stdout.includes(`${path.slice(root.length + 1).replace(/^[^/]+\//, '')} has other contents`),
        path,
      );
    t.is((await calm(['run', config, '--force'], folder)).code, 0);
    t.deepEqual(contentsOf(join(folder, 'runs')), expectedFiles);

    // Each file by itself is noticed; then all of them at once.
    for (const path of files) {
      const bytes = readFileSync(path);
      truncateSync(path, Math.floor(bytes.length / 2));
      const stage = path.slice(root.length + 1).split('/')[0];
      const { stages } = JSON.parse(
        (await calm(['plan', config, '--only', stage, '--json'], folder)).stdout,
      ) as { stages: { name: string; state: string }[] };
      t.is(stages.find(({ name }) => name === stage)?.state, 'out of date', path);
      writeFileSync(path, bytes);
    }
    for (const path of files) truncateSync(path, Math.floor(statSync(path).size / 2));
    const again = await calm(['run', config], folder);
    t.is(again.code, 0, again.stderr);
    t.deepEqual(contentsOf(join(folder, 'runs')), expectedFiles);
  },
);
