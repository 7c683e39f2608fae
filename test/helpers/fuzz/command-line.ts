/**
 * What is fuzzed besides files: arguments and the environment. Commands run in one process that is watched,
 * in a folder
 * with a small finished run; whatever they are given, they end with a result or a clear error, and write only
 * where
 * they were told to.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Config } from '@oclif/core';
import { RandomStream } from '../../../src/random.ts';
import { calm, ROOT } from '../cli.ts';
import { CommandHost } from '../many-commands.ts';
import { writeTinyProject } from '../tiny.ts';
import type { Outcome } from './cases.ts';

export const COMMAND_LINE = 'command line';
const LIMIT_MS = 20_000;

/** Commands that neither download nor remove what is not theirs. */
const COMMANDS = [
  'run tiny.yaml',
  'run tiny.yaml --dry-run',
  'run runs/tiny',
  'run',
  'plan tiny.yaml',
  'plan runs/tiny',
  'plan',
  'plan twice.yaml',
  'status',
  'status runs/tiny',
  'verify',
  'verify runs/tiny',
  'report',
  'report runs/tiny',
  'gc',
  'gc runs/tiny',
  'rm',
  'rm runs/tiny',
  'ls',
  'sample',
  'sample runs/tiny --max-tokens 2',
  'eval',
  'eval brierlm runs/tiny --num-sequences 1',
  'eval reconstruction runs/tiny',
  'eval perplexity runs/tiny',
  'eval temperature runs/tiny --num-sequences 1',
  'export runs/tiny',
  'import',
  'import models/a',
  'tokenize tiny.yaml',
  'train-lm tiny.yaml',
  'evaluate tiny.yaml',
  'cost tiny.yaml',
  'init --no-measure',
  'schema',
  'stages',
  'stages tiny.yaml',
  'engine',
  'engine list',
  'help',
  '',
  'trian-lm',
];

const FLAGS = [
  '--json',
  '--set',
  '-s',
  '--config',
  '-c',
  '--engine',
  '--from',
  '--until',
  '--only',
  '--force',
  '--check',
  '--variant',
  '--checkpoint',
  '--prompt',
  '--prompts',
  '--results',
  '--temperature',
  '--sampler',
  '--num-candidates',
  '--seed',
  '--num-patches',
  '--temperatures',
  '--protocol',
  '--corpus',
  '--text-field',
  '--to',
  '--output',
  '--markdown',
  '--title',
  '--autoencoder',
  '--tokenizer',
  '--name',
  '--mermaid',
  '--parts',
  '--free',
  '--no-kept',
  '--checkpoints',
  '--endpoint',
  '--model',
  '--help',
  '--version',
  '--',
  '-',
  '--no-such-flag',
];

const LONG = 'x'.repeat(5000);
const VALUES = [
  ...[
    '',
    ' ',
    '0',
    '-1',
    '1.5',
    'NaN',
    '1e400',
    '9007199254740993',
    '3',
    'x',
    'null',
    'true',
    '[]',
    '{}',
    '{',
  ],
  ...[
    'latest',
    'best',
    '4',
    'auto',
    'onnx',
    'torch',
    'train-lm',
    'evaluate',
    'sample',
    'brierlm',
    'reference',
  ],
  ...[
    'tiny.yaml',
    'runs',
    'runs/tiny',
    'runs/tiny/train-lm',
    'texts',
    'texts/*.txt',
    'missing',
    'missing.yaml',
  ],
  ...[
    'fifo',
    'loop',
    'dangling',
    'empty',
    'broken.yaml',
    'binary',
    'list.yaml',
    'models/a',
    './',
    '.',
    '~',
    '~x',
  ],
  ...[
    'prompts.jsonl',
    '/dev/null',
    '/proc/x',
    'texts/0.txt/x',
    'ftp://x',
    'http://127.0.0.1:1/v1',
    'http://[',
  ],
  ...[
    'ä🦜\u202e',
    '\u0007\u001b[2J',
    '%s%n',
    '$(x)',
    '`x`',
    "it's",
    '"',
    '\\',
    'a=b',
    '=',
    '=x',
    '*',
    '**',
    '?[',
  ],
  ...['__proto__', 'constructor', 'toString', '../../nowhere/x', '@x', '--', LONG, `${LONG}/${LONG}`],
];

const KEYS = [
  ...['name', 'seed', 'engine', 'output', 'plugins', 'matrix', 'report', 'stages', 'extends', 'nothing'],
  ...[
    'tokenize',
    'tokenize.corpus',
    'tokenize.tokenizer',
    'tokenize.uses',
    'tokenize.inputs',
    'tokenize.corpus.x',
  ],
  ...['train-lm.steps', 'train-lm.head', 'train-lm.head.x', 'train-lm.inputs.tokens', 'evaluate.measures'],
  ...[
    'sample.prompt',
    'sample.temperature',
    'sample.x',
    'stages.sample.prompt',
    'stages',
    'stages.x',
    'matrix.seed',
  ],
  ...[
    '__proto__',
    '__proto__.x',
    'constructor.prototype.x',
    'stages.__proto__.x',
    '',
    '.',
    '..',
    'a.b.c.d.e',
  ],
];

/** Variable → values that no one means. */
const ENVIRONMENT: Readonly<Record<string, readonly string[]>> = {
  HOME: ['/nowhere/at/all', 'texts/0.txt', '/dev/null', LONG],
  TMPDIR: ['/nowhere/at/all', '/dev/null', LONG],
  CALM_CACHE: ['', '/nowhere/at/all', '/dev/null', 'texts/0.txt', '~'],
  CALM_THREADS: ['', 'x', '-1', '0', '2.5', '1e9', '∞'],
  CALM_SPIN: ['', 'x', '2', '-1'],
  NO_COLOR: ['', 'x'],
  FORCE_COLOR: ['', '9', 'x'],
  COLUMNS: ['0', '-5', 'x', '1', '99999999'],
  XDG_CACHE_HOME: ['', 'x', '/dev/null', '/nowhere'],
  XDG_CONFIG_HOME: ['', '/dev/null'],
  XDG_DATA_HOME: ['', '/dev/null'],
  HTTPS_PROXY: ['garbage', 'http://[', 'http://127.0.0.1:1'],
  HTTP_PROXY: ['garbage', '://'],
  NO_PROXY: ['', '*', ',,,'],
  LANG: ['', 'xx_XX'],
  TZ: ['Nowhere/Never'],
  OPENAI_API_KEY: ['', 'line\nbreak', LONG],
};

const pick = <T>(stream: RandomStream, from: readonly T[]): T => from[stream.nextInteger(from.length)];

/** The flags of each command, by its name; whether each takes a value. */
async function flagsByCommand(): Promise<ReadonlyMap<string, readonly (readonly [string, boolean])[]>> {
  const { commands } = await Config.load({ root: ROOT });
  return new Map(
    commands.map(({ id, flags }) => [
      id.replaceAll(':', ' '),
      Object.entries(flags).map(([name, { type }]) => [`--${name}`, type === 'option'] as const),
    ]),
  );
}

type Flags = Awaited<ReturnType<typeof flagsByCommand>>;

/**
 * Arguments and environment of a case. Most flags are the command's own, so that more than the parser is
 * reached.
 */
export function commandOf(
  stream: RandomStream,
  flags: Flags,
): { args: string[]; env: Record<string, string> } {
  const command = pick(stream, COMMANDS);
  const args = command.split(' ');
  const own = flags.get(args.slice(0, 2).join(' ')) ?? flags.get(args[0]) ?? [];
  for (let i = stream.nextInteger(4); i > 0; i--) {
    const kind = stream.nextInteger(12);
    if (kind === 0) args.push(pick(stream, VALUES));
    else if (kind === 1) args.push(pick(stream, FLAGS));
    else if (kind === 2) args.push(pick(stream, FLAGS), pick(stream, VALUES));
    else if (kind < 8 && own.length > 0) {
      const [flag, takesValue] = pick(stream, own);
      args.push(flag, ...(takesValue ? [pick(stream, VALUES)] : []));
    } else
      args.push('--set', `${pick(stream, KEYS)}${pick(stream, ['=', '=', '=', ''])}${pick(stream, VALUES)}`);
  }
  const names = Object.keys(ENVIRONMENT);
  const env: Record<string, string> = {};
  for (let i = stream.nextInteger(3); i > 0; i--) {
    const name = pick(stream, names);
    env[name] = pick(stream, ENVIRONMENT[name]);
  }
  // No run is removed without being asked, and no machine is measured, which takes seconds.
  return { args: args.filter((word) => word !== '--yes' && word !== '--measure'), env };
}

/** Runs such cases, each in a project that is as it was first. */
export class CommandLineFuzz {
  readonly #folder: string;
  #host: CommandHost | undefined;
  #outside = '';
  #flags: Flags | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get #project(): string {
    return join(this.#folder, 'place/project');
  }

  /** Makes the project with its finished run. */
  async prepare(): Promise<void> {
    const first = join(this.#folder, 'first');
    for (const name of ['home', 'temporary', 'place'])
      mkdirSync(join(this.#folder, name), { recursive: true });
    mkdirSync(join(first, 'models/a'), { recursive: true });
    const short = { steps: 2, warmupSteps: 1, evaluateEvery: 2, patchesPerStep: 8, evaluatePatches: 8 };
    const { patchesPerStep: _, evaluatePatches: __, ...shortLm } = short;
    writeTinyProject(
      first,
      { 'train-autoencoder': short, 'train-lm': shortLm, evaluate: { numSequences: 1, numPatches: 8 } },
      { engine: 'onnx' },
    );
    const { code, stderr } = await calm(['run', 'tiny.yaml'], first);
    if (code !== 0) throw new Error(stderr);
    writeFileSync(join(first, 'broken.yaml'), 'stages: [\n');
    writeFileSync(join(first, 'list.yaml'), '- a\n');
    writeFileSync(join(first, 'twice.yaml'), 'extends: tiny.yaml\nmatrix: { seed: [1, 2] }\n');
    writeFileSync(join(first, 'binary'), Buffer.from([0, 255, 254, 1]));
    writeFileSync(join(first, 'empty'), '');
    writeFileSync(join(first, 'prompts.jsonl'), '{"prompt": "the"}\n');
    writeFileSync(join(first, 'models/a/config.json'), '{}');
  }

  /** Puts the project as it was first, with what can't be copied. */
  #renew(): void {
    const place = join(this.#folder, 'place');
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place);
    cpSync(join(this.#folder, 'first'), this.#project, { recursive: true });
    symlinkSync('loop', join(this.#project, 'loop'));
    symlinkSync('nowhere', join(this.#project, 'dangling'));
    if (process.platform !== 'win32') execFileSync('mkfifo', [join(this.#project, 'fifo')]);
    this.#outside = this.#treeOutside();
  }

  /** What no command may change: everything but the project, the home folder's own caches included. */
  #treeOutside(): string {
    const hash = createHash('sha256');
    for (const name of ['first', 'home', 'temporary'])
      for (const file of readdirSync(join(this.#folder, name), { recursive: true }).sort())
        hash.update(`${file}\0`);
    hash.update(readdirSync(join(this.#folder, 'place')).join('\0'));
    hash.update(readFileSync(join(this.#folder, 'first/tiny.yaml')));
    return hash.digest('hex');
  }

  async run(seed: number, number: number): Promise<Outcome> {
    const target = COMMAND_LINE;
    if (number % 50 === 0 || !existsSync(this.#project)) this.#renew();
    this.#flags ??= await flagsByCommand();
    const { args, env } = commandOf(new RandomStream(seed, 'command-line', number), this.#flags);
    const told = `${JSON.stringify(args)} ${JSON.stringify(env)}`.replaceAll(LONG, 'LONG');
    const own = { HOME: join(this.#folder, 'home'), TMPDIR: join(this.#folder, 'temporary') };
    this.#host ??= new CommandHost({ cwd: this.#folder });
    try {
      const answer = await this.#host.run({ args, cwd: this.#project, env: { ...own, ...env } }, LIMIT_MS);
      const problem =
        problemOf(args, answer) ?? (this.#outside === this.#treeOutside() ? undefined : 'it wrote elsewhere');
      if (problem) {
        this.#renew();
        return { target, result: 'defect', problem: `${told}: ${problem}` };
      }
      const code = /CALM_[A-Z_]+/.exec(answer.stdout + answer.stderr)?.[0];
      return { target, result: answer.code === 0 ? 'done' : (code ?? 'refused') };
    } catch (error) {
      this.#host = undefined;
      this.#renew();
      return { target, result: 'defect', problem: `${told}: ${(error as Error).message}` };
    }
  }

  end(): void {
    this.#host?.end();
  }
}

/** What a command may never say. */
function problemOf(
  args: readonly string[],
  { code, stdout, stderr }: { code: number; stdout: string; stderr: string },
): string | undefined {
  const said = `${stdout}${stderr}`;
  const isBad = /defect of calm|CALM_UNEXPECTED|^uncaught: |\n {4}at .*[:(]\d+/m.test(said);
  if (isBad) return said.slice(0, 1500);
  if (code !== 0 && said.trim() === '') return 'it failed without a word';
  const isJson = args.includes('--json') && !args.includes('--') && !/--(help|version)/.test(args.join(' '));
  if (isJson && code !== 0 && code !== 2 && !isDocument(stdout)) return `no document: ${said.slice(0, 500)}`;
  return undefined;
}

function isDocument(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
