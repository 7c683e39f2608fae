import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { tinyText } from '../helpers/tiny.ts';

const PAGE = readFileSync(join(ROOT, 'docs/extending/heads.md'), 'utf8');
const PACKAGE = join(ROOT, 'test/fixtures/calm-plugin-gaussian');

const blocksOf = (language: string) =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block]) => block);
const [INDEX, HEAD] = blocksOf('js');

/** Packages as they are installed: calm-lm and that of the page, which a process may load once. */
const shared = mkdtempSync(join(tmpdir(), 'calm-test-'));
const installed = join(shared, 'node_modules');
test.before(() => {
  mkdirSync(installed);
  symlinkSync(ROOT, join(installed, 'calm-lm'));
  symlinkSync(join(ROOT, 'node_modules/zod'), join(installed, 'zod'));
  cpSync(join(PACKAGE, 'package.json'), join(installed, 'calm-plugin-gaussian/package.json'));
  writeFileSync(join(installed, 'calm-plugin-gaussian/index.js'), INDEX);
  writeFileSync(join(installed, 'calm-plugin-gaussian/head.js'), HEAD);
});
test.after.always(() => rmSync(shared, { recursive: true, force: true }));

const calm = calmInOneProcess(test);

/** A project with the packages, and the page's configuration. */
function writeProject(folder: string): void {
  mkdirSync(join(folder, 'texts'));
  for (let i = 0; i < 10; i++) writeFileSync(join(folder, 'texts', `${i}.txt`), tinyText(i));
  symlinkSync(installed, join(folder, 'node_modules'));
  writeFileSync(join(folder, 'gaussian.yaml'), blocksOf('yaml')[0]);
}

test('the head of the page is the package of the fixtures', (t) => {
  t.is(INDEX, readFileSync(join(PACKAGE, 'index.js'), 'utf8'));
  t.is(HEAD, readFileSync(join(PACKAGE, 'head.js'), 'utf8'));
});

test('the head of the page is trained, evaluated, sampled from, costed, exported and imported', async (t) => {
  const folder = temporaryFolder(t);
  writeProject(folder);
  const commands = blocksOf('sh')[0].trim().split('\n');
  const outputs: Record<string, Record<string, unknown>> = {};
  for (const command of commands) {
    const [, ...args] = command.split(' ');
    const { code, stdout, stderr } = await calm([...args, '--json'], folder);
    t.is(code, 0, `${command}\n${stderr}`);
    outputs[command] = JSON.parse(stdout);
  }
  checkRun(t, outputs[commands[0]]);
  checkCost(t, outputs[commands[1]]);
  const saved = JSON.parse(readFileSync(join(folder, 'runs/gaussian/train-lm/model/config.json'), 'utf8'));
  t.like(saved, { model_type: 'gaussian', gaussian_width: 24, num_samples: 4, hidden_size: 16 });
  t.false('noise_size' in saved);
  const exported = JSON.parse(readFileSync(join(folder, 'my-model/config.json'), 'utf8'));
  t.like(exported, { architectures: ['GaussianTransformer'], gaussian_width: 24 });
  await checkImport(t, folder, exported);
});

interface StageOutcome {
  readonly name: string;
  readonly metrics: Record<string, Record<string, number>>;
}

function checkRun(t: ExecutionContext, { stages }: Record<string, unknown>): void {
  const metrics = Object.fromEntries(
    (stages as StageOutcome[]).map(({ name, metrics: found }) => [name, found]),
  );
  const { validationSquares, bestValue, bestStep } = metrics['train-lm'];
  t.is(typeof validationSquares, 'number');
  t.like({ bestValue, bestStep }, { bestValue: validationSquares, bestStep: 20 });
  t.true(Number.isFinite(metrics.evaluate.brierlm.brierLM));
}

/** Parameters: 16·12 + 12 of the first layer, 12·12 + 12 of the second. */
function checkCost(t: ExecutionContext, output: Record<string, unknown>): void {
  const text = JSON.stringify(output);
  t.regex(text, /"name":"gaussian head","parameters":360,/);
  t.regex(text, /"name":"autoencoder \(frozen\)",[^}]*"isFrozen":true/);
}

/** The folder says nothing of its head, so it is known by its weights. */
async function checkImport(t: ExecutionContext, folder: string, config: object): Promise<void> {
  writeFileSync(join(folder, 'my-model/config.json'), JSON.stringify({ ...config, model_type: '' }));
  const stage = 'import-lm: { path: my-model, autoencoder: my-model/autoencoder }';
  writeFileSync(join(folder, 'imported.yaml'), `plugins: [calm-plugin-gaussian]\nstages:\n  ${stage}\n`);
  const run = await calm(['run', 'imported.yaml', '--json'], folder);
  t.is(run.code, 0, run.stderr);
  t.is(JSON.parse(run.stdout).stages[0].metrics.head, 'gaussian');
}

test('what is wrong with a head or its options is said before any work, with the way out', async (t) => {
  const folder = temporaryFolder(t);
  writeProject(folder);
  const attempts: [string, RegExp][] = [
    [
      'train-lm.head={name: gaussian, widht: 3}',
      /CALM_CONFIG_INVALID[\s\S]*head\.widht: the gaussian head has no option "widht"\. Did you mean "width"\?/,
    ],
    ['train-lm.head={name: gaussian, width: 0}', /CALM_CONFIG_INVALID[\s\S]*head\.width: /],
    ['train-lm.head={name: gausian}', /head\.name: No head is called "gausian"\. Did you mean "gaussian"\?/],
    ['train-lm.head=7', /head: must be the name of a head, or a map/],
    ['train-lm.noiseSize=7', /the gaussian head has no option "noiseSize"/],
    ['evaluate.headSteps=7', /evaluate\.headSteps: has moved: write `headSampling: \{ steps: … \}`/],
    ['sample.headSampling=steps', /must be a map of options, or a text like steps=4/],
    [
      'evaluate.headSampling={steps: 7}',
      /CALM_HEAD_OPTION[\s\S]*has no option of sampling "steps"\..* Available: spread\./,
    ],
    [
      'sample.headSampling=spread=-1',
      /CALM_HEAD_OPTION[\s\S]*headSampling\.spread: [\s\S]*the head "gaussian"/,
    ],
  ];
  for (const [change, expected] of attempts) {
    const { code, stdout, stderr } = await calm(['run', 'gaussian.yaml', '--set', change], folder);
    t.is(code, 1, change);
    t.regex(stderr, expected, change);
    t.notRegex(stdout + stderr, /defect of calm/);
    t.false(existsSync(join(folder, 'runs/gaussian/tokenize')), change);
  }
});
