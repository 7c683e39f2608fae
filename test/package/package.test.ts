/**
 * The package as people get it: packed, installed in empty folders and globally, and used there. Where npm can't
 * install, for lack of a registry and of a filled cache, the tests say so and end.
 */

import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { ROOT } from '../helpers/cli.ts';
import { TINY_STAGES, tinyText } from '../helpers/tiny.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'calm-package-'));
const places = { local: join(folder, 'local'), global: join(folder, 'global'), cache: join(folder, 'cache') };
/** Why npm can't install here. */
let isOffline: string | undefined;

/** Of npm's own settings only where things come from: the others are those of the project that is tested. */
const KEPT = /^npm_config_(registry|cache|userconfig)$/i;
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS)/i.test(name) || KEPT.test(name)),
  ),
  NO_COLOR: '1',
  CALM_CACHE: places.cache,
  // A Node that runs calm itself.
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
};

const ran = (program: string, args: readonly string[], cwd: string) =>
  run(program, args, { cwd, env, maxBuffer: 2 ** 26, shell: process.platform === 'win32' });
const npm = (args: readonly string[], cwd: string) => ran('npm', args, cwd);

const OFFLINE = /ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|E40[13]|network/;
const QUICKLY = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/** Installs, or notes that it can't be done here. */
async function install(args: readonly string[], cwd: string): Promise<void> {
  await npm(['install', ...args, ...QUICKLY], cwd).catch((error: { stderr?: string }) => {
    if (!OFFLINE.test(error.stderr ?? '')) throw error;
    isOffline = error.stderr?.split('\n')[0];
  });
}

test.before('calm is packed and installed', async (t) => {
  t.timeout(600_000);
  for (const place of Object.values(places)) mkdirSync(place);
  await npm(['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], ROOT);
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string);
  await npm(['init', '-y'], places.local);
  await install([tarball], places.local);
  if (!isOffline) await install(['--global', '--prefix', places.global, tarball], folder);
  writeProject(places.local);
});
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** A test of what is installed. */
function installed(title: string, work: (t: ExecutionContext) => Promise<void>): void {
  test.serial(title, async (t) => {
    t.timeout(600_000);
    if (isOffline === undefined) return work(t);
    t.log(`not tested: npm can't install here (${isOffline})`);
    t.pass();
  });
}

const STAGE =
  readFileSync(join(ROOT, 'docs/extending/stages.md'), 'utf8').match(/```js\n([\s\S]*?)```/)?.[1] ?? '';

/** Texts, the stage of docs/extending/stages.md, packages of third parties, and a configuration of all of them. */
function writeProject(project: string): void {
  mkdirSync(join(project, 'texts'));
  for (let i = 0; i < 10; i++) writeFileSync(join(project, 'texts', `${i}.txt`), tinyText(i));
  writeFileSync(join(project, 'my-stage.mjs'), STAGE);
  for (const name of ['calm-plugin-gaussian', 'calm-plugin-sgd'])
    cpSync(join(ROOT, 'test/fixtures', name), join(project, 'node_modules', name), { recursive: true });
  const few = { steps: 6, warmupSteps: 1, checkpointEvery: 3 };
  const stages = {
    tokenize: TINY_STAGES.tokenize,
    histogram: { bins: 3 },
    'train-autoencoder': { ...TINY_STAGES['train-autoencoder'], ...few, optimizer: 'sgd' },
    'encode-corpus': TINY_STAGES['encode-corpus'],
    'train-lm': { ...TINY_STAGES['train-lm'], ...few, head: 'gaussian' },
  };
  const plugins = ['./my-stage.mjs', 'calm-plugin-gaussian', 'calm-plugin-sgd'];
  writeFileSync(join(project, 'all.yaml'), stringify({ name: 'all', seed: 3, plugins, stages }));
}

/** The executable that npm made. */
const executable = (bin: string) => join(bin, process.platform === 'win32' ? 'calm.cmd' : 'calm');
const localCalm = (args: readonly string[]) =>
  ran(executable(join(places.local, 'node_modules/.bin')), args, places.local);

installed('the package holds what is run, and its papers', async (t) => {
  const root = join(places.local, 'node_modules/calm-lm');
  for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md', 'oclif.manifest.json', 'bin/run.js', 'dist'])
    t.true(existsSync(join(root, name)), name);
  for (const name of ['src', 'test', 'plugins', 'bench', '.npmrc'])
    t.false(existsSync(join(root, name)), name);
  const { repository, bugs, homepage } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  t.true([repository.url, bugs, homepage].every((address) => address.includes('github.com/calm-lm/calm-lm')));
});

installed('in a folder made by npm init: calm init, and a run with parts of one’s own', async (t) => {
  t.is(JSON.parse(readFileSync(join(places.local, 'package.json'), 'utf8')).type, 'commonjs');
  await localCalm(['init', '--corpus', 'texts/*.txt']);
  t.true(existsSync(join(places.local, 'calm.yaml')));
  t.regex((await localCalm(['plan'])).stdout, /tokenize/);
  const { stages } = JSON.parse((await localCalm(['run', 'all.yaml', '--json'])).stdout);
  t.deepEqual(
    stages.map(({ state }: { state: string }) => state),
    ['done', 'done', 'done', 'done', 'done'],
  );
  const command = await localCalm(['histogram', 'all.yaml', '--bins', '4', '--json']);
  t.is(typeof JSON.parse(command.stdout).stages[0].metrics.longest, 'number');
});

const PROGRAM = `
async function main() {
  const model = await load('runs/all');
  for await (const text of model.generate('the ', { maxTokens: 6, numCandidates: 4 })) process.stdout.write(text);
  await model.dispose();
  const error = await load('nowhere').catch((thrown) => thrown);
  console.log('', error instanceof CalmError, error.code);
}
main();
`;

installed('import and require, in an ES and in a CommonJS project', async (t) => {
  const esm = join(folder, 'esm');
  mkdirSync(esm);
  writeFileSync(join(esm, 'package.json'), '{ "type": "module" }');
  for (const name of ['node_modules', 'runs']) symlinkSync(join(places.local, name), join(esm, name));
  writeFileSync(join(esm, 'program.js'), `import { CalmError, load } from 'calm-lm';\n${PROGRAM}`);
  writeFileSync(
    join(places.local, 'program.js'),
    `const { CalmError, load } = require('calm-lm');\n${PROGRAM}`,
  );
  const outputs = [
    await ran(process.execPath, ['program.js'], esm),
    await ran(process.execPath, ['program.js'], places.local),
    await ran(process.execPath, ['--no-experimental-require-module', 'program.js'], places.local),
  ];
  for (const { stdout, stderr } of outputs) {
    t.regex(stdout, / true CALM_MODEL_MISSING\n$/, stderr);
    t.is(stdout, outputs[0].stdout);
  }
});

const TYPED = `import { CalmError, type Generated, load, type Model, readLatents } from 'calm-lm';
async function main(): Promise<void> {
  const model: Model = await load('runs/all', { checkpoint: 'latest' });
  const text = model.generate('the', { stop: ['\\n'], signal: AbortSignal.timeout(1000) });
  for await (const piece of text) console.log(piece.length);
  const last = await model.generate('').next();
  if (last.done) ((found: Generated) => found.end)(last.value);
  const { latents } = await model.encode('the');
  const back: string = await model.decode(latents);
  const low: number | undefined = (await model.score([back])).interval?.brierLM[0];
  console.log(low);
  await model.dispose();
  await readLatents('x').catch((error: unknown) => error instanceof CalmError && error.code.length);
  // @ts-expect-error a path is text
  await load(3);
}
main();
`;

installed('TypeScript projects of both kinds, without skipLibCheck', async (t) => {
  for (const name of ['typed.mts', 'typed.cts']) writeFileSync(join(places.local, name), TYPED);
  const typescript = join(ROOT, 'node_modules/typescript/bin/tsc');
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--skipLibCheck', 'false'];
  for (const module of ['nodenext', 'node16']) {
    const args = [typescript, ...strict, '--target', 'es2022', '--module', module, 'typed.mts', 'typed.cts'];
    const { stdout } = await ran(process.execPath, args, places.local).catch((error) => error);
    t.is(stdout, '', module);
  }
});

installed(
  'a global calm: a stage in a folder where nothing is installed, and an engine that npm dropped',
  async (t) => {
    const project = join(folder, 'elsewhere');
    mkdirSync(project);
    await npm(['init', '-y'], project);
    writeProject(project);
    const calm = (args: readonly string[]) => ran(executable(join(places.global, 'bin')), args, project);
    const modules = join(places.global, 'lib/node_modules/calm-lm/node_modules');
    for (const name of ['onnxruntime-node', 'onnxruntime-common'])
      rmSync(join(modules, name), { recursive: true });
    const first = await calm(['run', 'all.yaml', '--until', 'train-autoencoder', '--json']);
    t.is(JSON.parse(first.stdout).stages.length, 2);
    t.regex(first.stderr, /⚠ The engine "onnx" is missing.*`calm engine install onnx` gets it/);
    t.regex(first.stderr, /engine: wasm/);
    await calm(['run', 'all.yaml', '--only', 'histogram']);
    const got = await calm(['engine', 'install', 'onnx']).catch((error: { stderr: string }) => error);
    if (OFFLINE.test(got.stderr)) return t.log(`not tested: npm can't get onnxruntime-node (${got.stderr})`);
    const second = await calm(['run', 'all.yaml', '--json']);
    t.is(JSON.parse(second.stdout).stages.length, 5);
    t.notRegex(second.stderr, /⚠/);
    t.regex(second.stderr, /engine: onnx/);
  },
);
