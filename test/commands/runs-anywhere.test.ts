/**
 * A run is what lies in its folder: wherever that is and whatever else is gone, every command that reads it
 * gives the
 * answer that it gives in its first place, and changes nothing.
 */

import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { otherUser } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

const short = { steps: 4, warmupSteps: 1, evaluateEvery: 4 };

/** Where a run is and how it is named. */
interface Place {
  /** Where the commands are started. */
  readonly cwd: string;
  /** The run as they are told of it. */
  readonly named: string;
  /** Its folder. */
  readonly folder: string;
  /** The folder of runs, for `calm ls`. */
  readonly runs: string;
  readonly uid?: number;
}

/** Brings a copy of the project into a situation. */
type Arrange = (project: string) => Place;

const placeIn = (project: string, name = 'tiny', more: Partial<Place> = {}): Place => ({
  cwd: project,
  named: `runs/${name}`,
  folder: join(project, 'runs', name),
  runs: 'runs',
  ...more,
});

/** Sets the modes of everything below a folder, and its own. */
function setModes(root: string, ofFolders: number, ofFiles: number): void {
  chmodSync(root, 0o755);
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true }))
    if (!entry.isSymbolicLink())
      chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? ofFolders : ofFiles);
  chmodSync(root, ofFolders);
}

const SITUATIONS: Readonly<Record<string, Arrange>> = {
  'in its first place': (project) => placeIn(project),
  copied: (project) => {
    cpSync(join(project, 'runs/tiny'), join(project, 'runs/copy'), { recursive: true });
    return placeIn(project, 'copy');
  },
  renamed: (project) => {
    renameSync(join(project, 'runs/tiny'), join(project, 'runs/an other (name)'));
    return placeIn(project, 'an other (name)');
  },
  'moved elsewhere': (project) => {
    mkdirSync(join(project, 'far/away'), { recursive: true });
    renameSync(join(project, 'runs/tiny'), join(project, 'far/away/tiny'));
    return placeIn(project, 'tiny', {
      named: 'far/away/tiny/',
      folder: join(project, 'far/away/tiny'),
      runs: 'far/away',
    });
  },
  'read from another working directory': (project) => {
    mkdirSync(join(project, 'elsewhere/runs'), { recursive: true });
    const runs = '../runs';
    return placeIn(project, 'tiny', { cwd: join(project, 'elsewhere'), named: '../runs/tiny', runs });
  },
  'read-only': (project) => {
    const uid = otherUser();
    setModes(project, 0o555, 0o444);
    chmodSync(join(project, 'out'), 0o777);
    chmodSync(join(project, 'out/home'), 0o777);
    return placeIn(project, 'tiny', uid === undefined ? {} : { uid });
  },
  'behind a symbolic link': (project) => {
    mkdirSync(join(project, 'links'));
    symlinkSync('../runs/tiny', join(project, 'links/link'));
    return placeIn(project, 'tiny', { named: 'links/link' });
  },
  'without its corpus': (project) => {
    rmSync(join(project, 'texts'), { recursive: true });
    return placeIn(project);
  },
  'without its configuration': (project) => {
    rmSync(join(project, 'tiny.yaml'));
    return placeIn(project);
  },
  'without any record of its configuration': (project) => {
    for (const name of ['tiny.yaml', 'runs/tiny/config.yaml', 'runs/tiny/run.json'])
      rmSync(join(project, name));
    return placeIn(project);
  },
};

/** What is asked of a run; `out` is a folder for what a command writes. */
const QUESTIONS: Readonly<Record<string, (place: Place, out: string) => string[]>> = {
  sample: ({ named }) => ['sample', named, '--seed', '7'],
  brierlm: ({ named }) => ['eval', 'brierlm', named],
  reconstruction: ({ named }) => ['eval', 'reconstruction', named],
  export: ({ named }, out) => ['export', named, '--to', join(out, 'exported')],
  verify: ({ named }) => ['verify', named],
  status: ({ named }) => ['status', named],
  report: ({ named }, out) => ['report', named, '--output', join(out, 'report.html')],
  gc: ({ named }) => ['gc', named],
  ls: ({ runs }) => ['ls', runs],
};

/** Path → what is there, of everything below a folder. */
function treeOf(root: string, leftOut: readonly string[] = []): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const inside = path.slice(root.length + 1);
    if (leftOut.some((name) => inside === name || inside.startsWith(`${name}/`))) continue;
    tree[inside] = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'no file';
  }
  return tree;
}

/** What an export holds, which names the place of its autoencoder. */
function exportedIn(folder: string): object {
  const { 'config.json': _, ...tree } = treeOf(folder);
  const { ae_path: autoencoder, ...config } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  return { ...tree, config, isFound: autoencoder === join(folder, 'autoencoder') };
}

/** What may be otherwise elsewhere: times, and the place itself. */
const OF_THE_MOMENT = new Set(['changedAt', 'secondsToFirstToken', 'seconds', 'tokensPerSecond']);

function comparable(json: string, { folder }: Place, out: string): unknown {
  const name = folder.split('/').at(-1) as string;
  return JSON.parse(json, (key, value) => {
    if (OF_THE_MOMENT.has(key)) return undefined;
    if (typeof value !== 'string') return value;
    if ((key === 'name' || key === 'run') && value === name) return 'NAME';
    return value.replaceAll(folder, 'RUN').replaceAll(out, 'OUT');
  });
}

async function answersIn(
  t: ExecutionContext,
  project: string,
  arrange: Arrange,
): Promise<Record<string, unknown>> {
  const [out, home] = [join(project, 'out'), join(project, 'out/home')];
  mkdirSync(home, { recursive: true });
  for (const path of [out, home]) chmodSync(path, 0o777);
  const place = arrange(project);
  const before = treeOf(project, ['out']);
  const env = { HOME: home, TMPDIR: home, XDG_CACHE_HOME: join(home, '.cache') };
  const ask = place.uid === undefined ? calm : calmInOneProcess(t, { uid: place.uid });
  const answers: Record<string, unknown> = {};
  for (const [name, argsOf] of Object.entries(QUESTIONS)) {
    const { code, stdout, stderr } = await ask([...argsOf(place, out), '--json'], place.cwd, env);
    t.is(code, 0, `${name}: ${stdout}${stderr}`);
    answers[name] = comparable(stdout, place, out);
  }
  const { runs } = answers.ls as { runs: { name: string; bytes: number }[] };
  const { bytes = 0, ...listed } = runs.find((run) => run.name === 'NAME') ?? {};
  t.true(bytes > 100_000);
  answers.ls = listed;
  answers.exported = exportedIn(join(out, 'exported'));
  answers.page = readFileSync(join(out, 'report.html'), 'utf8').replaceAll(
    place.folder.split('/').at(-1) as string,
    'NAME',
  );
  t.deepEqual(treeOf(project, ['out']), before, 'nothing has changed');
  t.deepEqual(readdirSync(home), [], 'nothing is left in the home folder or the one for temporary files');
  return answers;
}

let made: { project: string; answers: Record<string, unknown> } | undefined;
const shared = mkdtempSync(join(tmpdir(), 'calm-test-'));
test.after.always(() => rmSync(shared, { recursive: true, force: true }));

/** The project with its finished run, made once, and the answers in its first place. */
async function original(t: ExecutionContext) {
  if (made) return made;
  const project = join(shared, 'project');
  mkdirSync(project);
  const stages = { 'train-autoencoder': short, 'train-lm': short };
  const config = writeTinyProject(project, stages, { engine: 'onnx' });
  const { code, stderr } = await calm(['run', config], project);
  t.is(code, 0, stderr);
  const first = copyOf(project, shared, 'first');
  made = { project, answers: await answersIn(t, first, SITUATIONS['in its first place']) };
  return made;
}

function copyOf(project: string, folder: string, name: string): string {
  chmodSync(folder, 0o755);
  const copy = join(folder, name);
  cpSync(project, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

test.serial('every command that reads a run gives the same answer wherever the run is', async (t) => {
  t.timeout(480_000);
  const { project, answers: expected } = await original(t);
  t.is((expected.sample as { samples: object[] }).samples.length, 2);
  t.is((expected.ls as { state: string }).state, 'done');
  for (const [situation, arrange] of Object.entries(SITUATIONS)) {
    const copy = copyOf(project, temporaryFolder(t), 'project');
    const answers = await answersIn(t, copy, arrange);
    for (const [question, answer] of Object.entries(answers))
      t.deepEqual(answer, expected[question], `${question}, ${situation}`);
    setModes(copy, 0o755, 0o644);
  }
});

test.serial('a copy of a run is run, cleaned and removed by itself', async (t) => {
  t.timeout(120_000);
  const { project } = await original(t);
  const copy = copyOf(project, temporaryFolder(t), 'project');
  SITUATIONS.copied(copy);
  const first = treeOf(join(copy, 'runs/tiny'));
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await calm([...args, '--json'], copy);
    t.is(code, 0, stdout + stderr);
    t.deepEqual(treeOf(join(copy, 'runs/tiny')), first, args.join(' '));
    return JSON.parse(stdout) as { run: string; stages: { name: string; state: string }[] };
  };
  const states = ({ stages }: { stages: { state: string }[] }) => stages.map(({ state }) => state);
  t.deepEqual(states(await run('plan', 'runs/copy')), Array(6).fill('up to date'));
  const changed = await run('run', 'runs/copy', '--set', 'sample.maxTokens=3');
  t.is(changed.run, join(copy, 'runs/copy'));
  t.deepEqual(states(changed), [...Array(5).fill('up to date'), 'done']);
  t.deepEqual(readdirSync(join(copy, 'runs/copy/.kept')).length, 1);
  await run('gc', 'runs/copy', '--free', '--checkpoints');
  t.deepEqual(readdirSync(join(copy, 'runs/copy/.kept')), []);
  t.false(existsSync(join(copy, 'runs/copy/train-lm/checkpoints')));
  await run('rm', 'runs/copy', '--yes');
  t.deepEqual(readdirSync(join(copy, 'runs')), ['tiny']);
});
