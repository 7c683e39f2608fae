import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { calm as calmAlone, ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

/** A project that has calm-lm and the third-party package installed, as npm would lay them out. */
function install(folder: string): string {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(ROOT, join(folder, 'node_modules/calm-lm'));
  cpSync(join(ROOT, 'test/fixtures/calm-plugin-count'), join(folder, 'node_modules/calm-plugin-count'), {
    recursive: true,
  });
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "type": "module" }');
  return join(folder, 'node_modules/calm-plugin-count');
}

const COUNT = `name: counted
plugins: [calm-plugin-count]
stages:
  tokenize: { corpus: 'texts/*.txt', tokenizer: bytes, validationFraction: 0.2 }
  count-tokens: { top: 2 }
`;

test('a stage of the plugins: list runs in the pipeline and has a command of its own', async (t) => {
  const folder = temporaryFolder(t);
  writeTinyProject(folder);
  install(folder);
  writeFileSync(join(folder, 'counted.yaml'), COUNT);
  const run = await calm(['run', 'counted.yaml'], folder);
  t.is(run.code, 0, run.stderr);
  const counts = JSON.parse(
    readFileSync(join(folder, 'runs/counted/count-tokens/counts/counts.json'), 'utf8'),
  );
  t.is(counts.top.length, 2);
  t.is(counts.top[0].id, 32);
  const command = await calm(['count-tokens', 'counted.yaml', '--top', '5', '--json'], folder);
  t.is(command.code, 0, command.stderr);
  t.is(JSON.parse(command.stdout).stages[0].metrics.distinct, counts.distinct);
  t.regex(
    (await calm(['stages', 'counted.yaml'], folder)).stdout,
    /count-tokens +token-shards +token-counts +calm-plugin-count/,
  );
});

test(
  'an installed oclif plugin brings its stages by the hook calm:stages, without a ' + 'plugins: list',
  async (t) => {
    const folder = temporaryFolder(t);
    writeTinyProject(folder);
    const path = install(folder);
    writeFileSync(
      join(folder, 'package.json'),
      '{ "name": "project", "type": "module", "dependencies": { "calm-plugin-count": "*" } }',
    );
    writeFileSync(join(folder, 'counted.yaml'), COUNT.replace(/plugins: .*\n/, ''));
    const run = await calmAlone(['run', 'counted.yaml', '--json'], folder);
    t.is(run.code, 0, run.stderr);
    t.is(JSON.parse(run.stdout).stages[1].name, 'count-tokens');
    t.is((await calmAlone(['count-tokens', 'counted.yaml', '--top', '3'], folder)).code, 0);
    writeFileSync(
      join(path, 'hook.js'),
      "export default async () => { throw new Error('the hook is broken'); };\n",
    );
    const broken = await calmAlone(['stages'], folder);
    t.is(broken.code, 1);
    t.regex(broken.stderr, /CALM_PLUGIN_NOT_LOADED[\s\S]*calm-plugin-count[\s\S]*the hook is broken/);
  },
);

test('a plugin that is missing, broken or a duplicate is named', async (t) => {
  const folder = temporaryFolder(t);
  writeTinyProject(folder);
  install(folder);
  const attempt = async (plugins: string) => {
    writeFileSync(join(folder, 'x.yaml'), `plugins: ${plugins}\nstages: {}\n`);
    const { code, stderr } = await calm(['plan', 'x.yaml'], folder);
    t.is(code, 1);
    return stderr;
  };
  t.regex(await attempt('[no-such-plugin]'), /CALM_PLUGIN_NOT_LOADED +\S*x\.yaml:1:11[\s\S]*no-such-plugin/);
  t.regex(await attempt('[calm-plugin-count, calm-plugin-count]'), /CALM_STAGE_DUPLICATE[\s\S]*count-tokens/);
  writeFileSync(join(folder, 'empty.js'), 'export default {};\n');
  t.regex(await attempt('[./empty.js]'), /CALM_STAGE_INVALID/);
});

/** A stage of one's own, and a configuration that has it. */
function writeOwnStage(folder: string, name: string, head = ''): void {
  const code = `${head}
import { defineStage } from 'calm-lm/plugin';
import { z } from 'zod';
export default defineStage({
  name: 'own',
  summary: 'Does nothing.',
  config: z.strictObject({ times: z.int().default(3) }),
  inputs: {},
  outputs: {},
  async run({ config, report }) {
    report.summary({ times: config.times });
  },
});
`;
  writeFileSync(join(folder, name), code);
  writeFileSync(join(folder, 'own.yaml'), `plugins: [./${name}]\nstages:\n  own: {}\n`);
}

test('a stage in a folder where nothing is installed gets the calm that runs, and its zod', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "type": "commonjs" }');
  writeOwnStage(folder, 'own.mjs');
  const run = await calm(['run', 'own.yaml', '--json'], folder);
  t.is(run.code, 0, run.stderr);
  t.is(JSON.parse(run.stdout).stages[0].metrics.times, 3);
  const command = await calm(['own', 'own.yaml', '--times', '5', '--json'], folder);
  t.is(JSON.parse(command.stdout).stages[0].metrics.times, 5, command.stderr);
});

test('another calm-lm in the folder is not a second one in the process', async (t) => {
  const folder = temporaryFolder(t);
  const other = join(folder, 'node_modules/calm-lm');
  mkdirSync(other, { recursive: true });
  writeFileSync(
    join(other, 'package.json'),
    '{ "name": "calm-lm", "exports": { "./plugin": "./plugin.js" } }',
  );
  writeFileSync(join(other, 'plugin.js'), "throw new Error('the other calm');");
  writeOwnStage(folder, 'own.mjs');
  const run = await calm(['run', 'own.yaml'], folder);
  t.is(run.code, 0, run.stderr);
});

test('what keeps a plugin from being loaded is said with the way out', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "type": "commonjs" }');
  const said = async (name: string, head?: string) => {
    writeOwnStage(folder, name, head);
    return (await calm(['plan', 'own.yaml'], folder)).stderr;
  };
  t.regex(await said('own.js'), /→ .*CommonJS: call it \.\/own\.mjs, or write "type": "module" there/);
  t.regex(await said('a.mjs', "import 'left-pad';"), /→ The plugin imports left-pad: install that/);
  t.regex(await said('b.mjs', 'nonsense(;'), /→ The fault is in the plugin/);
  writeFileSync(join(folder, 'own.yaml'), 'plugins: [./none.mjs]\nstages: {}\n');
  t.regex((await calm(['plan', 'own.yaml'], folder)).stderr, /→ Install it .* or give the path of its file/);
});
