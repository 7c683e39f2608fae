import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { describeMpi } from '../cluster/mpi/library.ts';
import {
  ENGINE_NAMES,
  ENGINE_PACKAGES,
  type EngineName,
  engineVersion,
  HOW_TO_GET,
} from '../engine/names.ts';
import { productFeatures } from '../engine/precision.ts';
import { CalmError, messageOf } from '../errors.ts';
import { formatTable } from '../reporting/terminal/table.ts';
import { BaseCommand } from './base-command.ts';

interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'missing' | 'problem';
  readonly found: string;
  readonly advice?: string;
}

export default class Doctor extends BaseCommand {
  static override summary = 'Check this machine: Node, engines, memory, disk; say what to do.';

  override async run() {
    await this.parse(Doctor);
    const findings = [node(), processor(), ...(await engines()), await tokenizers(), mpi(), memory(), disk()];
    this.say(
      formatTable(
        ['what', 'state', 'found', 'what to do'],
        findings.map(({ what, state, found, advice = '' }) => [what, state, found, advice]),
      ),
    );
    if (findings.some(({ state }) => state === 'problem')) process.exitCode = 1;
    return { findings };
  }
}

function node(): Finding {
  return {
    what: 'node',
    state: 'ok',
    found: `${process.versions.node} on ${process.platform}-${process.arch}, ${availableParallelism()} cores`,
  };
}

/** What decides how fast products are. */
function processor(): Finding {
  const features = productFeatures();
  const found = `${cpus()[0]?.model ?? 'unknown'}${features.length > 0 ? `: ${features.join(', ')}` : ''}`;
  return { what: 'processor', state: 'ok', found };
}

/** Tries every engine that is installed: a package can be there and its native library not. */
async function engines(): Promise<Finding[]> {
  const { loadEngine } = await import('../engine/index.ts');
  const findings: Finding[] = [];
  for (const name of [...ENGINE_NAMES].reverse()) findings.unshift(await tryEngine(name, loadEngine));
  const auto = findings.find(({ state }) => state === 'ok');
  return auto
    ? [...findings, { what: 'engine auto', state: 'ok', found: auto.what.replace('engine ', '') }]
    : [...findings, { what: 'engine auto', state: 'problem', found: 'none works', advice: 'npm ci' }];
}

async function tryEngine(
  name: EngineName,
  load: typeof import('../engine/index.ts').loadEngine,
): Promise<Finding> {
  const [what, version] = [`engine ${name}`, engineVersion(name)];
  if (!version)
    return {
      what,
      state: 'missing',
      found: `${ENGINE_PACKAGES[name]} is not installed`,
      advice: HOW_TO_GET[name],
    };
  try {
    const { productRates: rates, precision } = await load(name, undefined, 'auto');
    const products = rates
      ? `; products at ${Math.round(rates.f32)} GFLOP/s in f32, ${Math.round(rates.bf16)} in bf16: precision ` +
        `auto is ${precision}`
      : '';
    return { what, state: 'ok', found: `${ENGINE_PACKAGES[name]} ${version}${products}` };
  } catch (error) {
    return {
      what,
      state: 'problem',
      found: messageOf(error),
      advice: error instanceof CalmError ? (error.hint ?? '') : '',
    };
  }
}

async function tokenizers(): Promise<Finding> {
  try {
    await import('tokenizers');
    return { what: 'tokenizers', state: 'ok', found: 'the native library loads' };
  } catch (error) {
    return {
      what: 'tokenizers',
      state: 'problem',
      found: messageOf(error).replace(/\n.*/s, ''),
      advice: '`tokenizer: bytes` works without it',
    };
  }
}

/** Needed for more than one process; everything else works without. */
function mpi(): Finding {
  try {
    return { what: 'mpi', state: 'ok', found: describeMpi() };
  } catch (error) {
    const advice = 'for `calm run --ranks` and mpirun: apt-get install openmpi-bin';
    return { what: 'mpi', state: 'missing', found: messageOf(error), advice };
  }
}

const GIGABYTE = 2 ** 30;

function memory(): Finding {
  const total = totalmem() / GIGABYTE;
  const found = `${(freemem() / GIGABYTE).toFixed(1)} of ${total.toFixed(1)} GiB free`;
  return total < 2
    ? { what: 'memory', state: 'problem', found, advice: 'the quickstart wants 2 GiB' }
    : { what: 'memory', state: 'ok', found };
}

function disk(): Finding {
  const folder = existsSync('runs') ? 'runs' : '.';
  const { bavail, bsize } = statfsSync(folder);
  const free = (bavail * bsize) / GIGABYTE;
  const found = `${free.toFixed(1)} GiB free in ${folder === '.' ? 'this folder' : folder}`;
  return free < 1
    ? { what: 'disk', state: 'problem', found, advice: 'make room, or set `output:` to another disk' }
    : { what: 'disk', state: 'ok', found };
}
