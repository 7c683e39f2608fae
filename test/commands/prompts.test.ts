/** Prompts by other ways than a flag: standard input, and a person who types them. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { calm, EXECUTABLE } from '../helpers/cli.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const folder = mkdtempSync(join(tmpdir(), 'calm-test-'));
const SAMPLE = ['sample', 'runs/tiny', '--max-tokens', '8', '--num-samples', '1'];

test.before('a run is made', async (t) => {
  const config = writeTinyProject(folder, { 'train-lm': { steps: 10 }, 'train-autoencoder': { steps: 20 } });
  const { code, stderr } = await calm(['run', config, '--until', 'train-lm'], folder);
  t.is(code, 0, stderr);
});
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** Quoted for a shell. */
const quoted = (words: readonly string[]) =>
  words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

/** Runs a command line of a shell in which `calm` stands for the executable. */
async function shell(line: string): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const whole = `calm() { ${quoted([process.execPath, EXECUTABLE])} "$@"; }; ${line}`;
  const child = spawn('sh', ['-c', whole], { cwd: folder, env: { ...env, NO_COLOR: '1' } });
  const found = { stdout: '', stderr: '', code: null as number | null };
  child.stdin.end();
  child.stdout.on('data', (data) => {
    found.stdout += data;
  });
  child.stderr.on('data', (data) => {
    found.stderr += data;
  });
  found.code = await new Promise((done) => child.on('close', done));
  return found;
}

const sampleOf = async (more: readonly string[]) => {
  const { code, stdout, stderr } = await calm([...SAMPLE, ...more, '--json'], folder);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout).samples[0].text as string;
};

const posix = process.platform === 'win32' ? test.skip : test;

posix('a prompt is taken from a pipe, from a file, or for a dash', async (t) => {
  const text = await sampleOf(['--prompt', 'the people']);
  const expected = `the people${text}\n`;
  const sample = `calm ${SAMPLE.join(' ')}`;
  t.is((await shell(`echo 'the people' | ${sample}`)).stdout, expected, 'the line break is no part of it');
  t.is((await shell(`printf 'the people' | ${sample} -`)).stdout, expected);
  t.is((await shell(`printf 'the people' | ${sample} --prompt -`)).stdout, expected);
  writeFileSync(join(folder, 'prompt.txt'), 'the people');
  t.is((await shell(`${sample} < prompt.txt`)).stdout, expected);
});

posix('what a command does not read is left for others', async (t) => {
  const { stdout, stderr } = await shell(
    `printf 'one\\ntwo\\n' | while read -r word; do calm ${SAMPLE.join(' ')} --prompt "$word"; calm status runs/tiny; done`,
  );
  t.regex(stdout, /^one[\s\S]*^two/m, stderr);
});

posix('standard input that is no UTF-8 is refused', async (t) => {
  const { code, stderr } = await shell(`printf '\\351' | calm ${SAMPLE.join(' ')}`);
  t.is(code, 1);
  t.regex(stderr, /CALM_TEXT\s+Standard input is not UTF-8/);
});

test('--stop may be given several times', async (t) => {
  const whole = await sampleOf(['--prompt', 'the ']);
  const [first, second] = [whole.slice(2, 4), whole.slice(4, 6)];
  t.is(
    await sampleOf(['--prompt', 'the ', '--stop', 'not there', '--stop', second]),
    whole.slice(0, whole.indexOf(second)),
  );
  t.is(
    await sampleOf(['--prompt', 'the ', '--stop', second, '--stop', first]),
    whole.slice(0, Math.min(whole.indexOf(first), whole.indexOf(second))),
  );
  const { code, stderr } = await calm([...SAMPLE, '--stop', ''], folder);
  t.is(code, 1);
  t.regex(stderr, /CALM_CONFIG_INVALID[\s\S]*stop/);
});

posix(
  '--interactive answers line by line, each with draws of its own, and ends with its input',
  async (t) => {
    const { code, stdout, stderr } = await shell(
      `printf 'the \\nthe \\n' | calm ${SAMPLE.join(' ')} --interactive`,
    );
    t.is(code, 0, stderr);
    const several = SAMPLE.with(SAMPLE.indexOf('--num-samples') + 1, '2');
    const two = await calm([...several, '--prompt', 'the ', '--json'], folder);
    const { samples } = JSON.parse(two.stdout) as { samples: { text: string }[] };
    t.is(stdout, samples.map(({ text }) => `the ${text}\n`).join(''));
    writeFileSync(join(folder, 'p.jsonl'), '{"prompt":"the "}\n');
    const both = await shell(`printf '' | calm ${SAMPLE.join(' ')} --interactive --prompts p.jsonl`);
    t.regex(both.stderr, /CALM_PROMPTS\s+Prompts are read from a file or typed, not both/);
  },
);

const hasTerminal = process.platform === 'linux' && existsSync('/usr/bin/script');
(hasTerminal ? test : test.skip)('in a terminal Ctrl-C stops a text, and Ctrl-D ends', async (t) => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  // Slow enough to be stopped: thousands of draws a patch.
  const long = ['--interactive', '--max-tokens', '100000', '--sampler', 'exact', '--temperature', '0.05'];
  const line = quoted([process.execPath, EXECUTABLE, 'sample', 'runs/tiny', ...long]);
  const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: folder, env });
  t.teardown(() => child.kill('SIGKILL'));
  let screen = '';
  const wait = (wanted: RegExp) =>
    new Promise<void>((done) => {
      const look = (data: Buffer | string) => {
        screen += data;
        if (!wanted.test(screen)) return;
        screen = '';
        child.stdout.off('data', look);
        done();
      };
      child.stdout.on('data', look);
      look('');
    });
  t.timeout(120_000);
  await wait(/> /);
  child.stdin.write('the people\r');
  await wait(/the people\r*\n[\s\S]*the people/);
  child.stdin.write('\u0003');
  await wait(/\n[\s\S]*> /);
  child.stdin.write('\u0003');
  await wait(/Ctrl-D ends[\s\S]*> /);
  child.stdin.write('and\r');
  await wait(/and\r*\n[\s\S]*and/);
  child.stdin.write('\u0003');
  await wait(/\n[\s\S]*> /);
  child.stdin.write('\u0004');
  t.is(await new Promise((done) => child.on('close', done)), 0);
});
