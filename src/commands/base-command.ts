/** What all commands share: errors on one screen, --json, and the way from flags to a plan. */

import { Args, Command, Flags } from '@oclif/core';
import { ENGINE_FLAG } from '../engine/names.ts';
import { PRECISION_FLAG } from '../engine/precision.ts';
import { CalmError, checkpointSyntax, formatLocation, messageOf, systemError } from '../errors.ts';
import type { CheckpointChoice } from '../plugin/index.ts';
import { columnsOf, wrap, wrapCommand } from '../reporting/terminal/width.ts';
import { usageError } from './usage.ts';

/** What a command reads: nothing but the folder is looked at. */
export const runArgs = {
  run: Args.string({
    description: 'run folder, or the YAML file that it was made from; the nearest calm.yaml where absent',
    // Else oclif would take what is piped for a missing argument.
    ignoreStdin: true,
  }),
};

export const readingFlags = {
  config: Flags.string({ char: 'c', description: 'the same as the argument', helpValue: 'PATH' }),
  set: Flags.string({
    char: 's',
    multiple: true,
    description: 'change a field of the stage that is asked, as in sample.temperature=1',
    helpValue: 'PATH=VALUE',
    default: [],
  }),
  engine: Flags.string(ENGINE_FLAG),
  precision: Flags.option(PRECISION_FLAG)(),
  variant: Flags.string({
    description: 'where a run has several: the stage that is meant, as `calm status` names it',
    helpValue: 'STAGE',
  }),
  checkpoint: Flags.custom<CheckpointChoice>({
    description: 'take a saved step of the model instead of its result: latest, best, or a number of steps',
    helpValue: 'latest|best|STEP',
    parse: async (text) => parseCheckpoint(text),
  })(),
};

function parseCheckpoint(text: string): CheckpointChoice {
  if (text === 'latest' || text === 'best') return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw checkpointSyntax(text);
}

export const configArgs = {
  config: Args.string({
    description: 'YAML file or run folder; the nearest calm.yaml where absent',
    ignoreStdin: true,
  }),
};

export const configFlags = {
  config: Flags.string({ char: 'c', description: 'YAML file or run folder', helpValue: 'PATH' }),
  set: Flags.string({
    char: 's',
    multiple: true,
    description: 'change a key of the configuration, as in train-lm.steps=500',
    helpValue: 'PATH=VALUE',
    default: [],
  }),
  engine: Flags.string(ENGINE_FLAG),
  precision: Flags.option(PRECISION_FLAG)(),
};

export const selectionFlags = {
  from: Flags.string({ description: 'this stage and those that depend on it', helpValue: 'STAGE' }),
  until: Flags.string({ description: 'this stage and those that it needs', helpValue: 'STAGE' }),
  only: Flags.string({
    multiple: true,
    description: 'this stage and no other; may be repeated',
    helpValue: 'STAGE',
    default: [],
  }),
  check: Flags.boolean({ description: 'read every source file again, whatever its size and time say' }),
  force: Flags.boolean({ char: 'f', description: 'run even what is up to date' }),
};

/** A line on stderr that is worth acting on. */
export function warn(text: string): void {
  process.stderr.write(`${wrap('⚠ ', text, columnsOf(process.stderr))}\n`);
}

export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;

  protected override async catch(thrown: Error & { oclif?: { exit?: number } }): Promise<void> {
    showError(usageError(thrown, this.ctor), this.jsonEnabled());
  }

  /** A line for people; silent with --json. */
  protected say(text: string): void {
    if (!this.jsonEnabled()) this.log(text);
  }
}

/** Prints an error on one screen, or with --json as a document; a defect of ours keeps its stack. */
export function showError(thrown: unknown, isJson: boolean): void {
  const error = systemError(thrown, process.cwd()) ?? usageError(thrown);
  process.exitCode = error instanceof CalmError ? error.exitCode : 1;
  if (isJson) process.stdout.write(`${JSON.stringify({ error: errorDocument(error) }, null, 2)}\n`);
  else process.stderr.write(`${formatError(error)}\n`);
}

function errorDocument(error: unknown): Record<string, unknown> {
  if (!(error instanceof CalmError)) return { code: 'CALM_UNEXPECTED', message: messageOf(error) };
  const { code, message, hint, location } = error;
  return { code, message, ...(hint ? { hint } : {}), ...(location ? { location } : {}) };
}

/** code, place, what is wrong, the way out. */
export function formatError(error: unknown, columns = columnsOf(process.stderr)): string {
  if (!(error instanceof CalmError))
    return `✖ This is a defect of calm, please report it.\n${error instanceof Error ? error.stack : String(error)}`;
  const { code, message, hint, location, command } = error;
  const place = location ? `  ${formatLocation(location)}` : '';
  return [
    wrap('✖ ', `${code}${place}`, columns),
    ...message.split('\n').map((line) => wrap('  ', line.trim(), columns)),
    ...(hint ? [hintLines(hint, command, columns)] : []),
  ].join('\n');
}

/** A command at its end can be pasted, however narrow the terminal is. */
function hintLines(hint: string, command: string | undefined, columns: number): string {
  if (!command) return wrap('  → ', hint, columns);
  return wrapCommand(`  → ${hint.slice(0, -command.length)}`, command, columns);
}
