/** What may stand at the end of a command line: commands, flags, their values, keys, runs and files. */

import type { Candidate } from './candidate.ts';
import { keyCandidates } from './keys.ts';
import { configurations, runFolders, stageIds } from './places.ts';

interface ListedFlag {
  readonly name: string;
  readonly char?: string;
  readonly type: 'boolean' | 'option';
  readonly allowNo?: boolean;
  readonly hidden?: boolean;
  readonly multiple?: boolean;
  readonly helpValue?: string;
  readonly options?: readonly string[];
  readonly description?: string;
}

/** A command as oclif's manifest has it. */
export interface ListedCommand {
  readonly summary?: string;
  readonly description?: string;
  readonly hidden?: boolean;
  readonly strict?: boolean;
  readonly args: Readonly<Record<string, { readonly options?: readonly string[] }>>;
  readonly flags: Readonly<Record<string, ListedFlag>>;
}

export interface CommandList {
  readonly commands: Readonly<Record<string, ListedCommand>>;
  readonly topics: Readonly<Record<string, { readonly description?: string }>>;
}

/**
 * Those that begin as the last word does; none where names of files are wanted.
 * @param words after `calm`; the last one is that at the cursor
 */
export function candidatesFor(words: readonly string[], list: CommandList, schemaFile: string): Candidate[] {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const [name, rest] = before[0] === 'help' ? [undefined, before.slice(1)] : commandIn(before, list);
  const named = name === undefined ? undefined : list.commands[name];
  const all = named
    ? afterCommand(named, rest, current, schemaFile)
    : namesAfter(rest.length ? rest : before.filter((word) => word !== 'help'), list);
  return all.filter(({ value }) => value.startsWith(current));
}

/** The command that the words begin with, and what follows it. */
function commandIn(words: readonly string[], { commands }: CommandList): [string | undefined, string[]] {
  for (let length = Math.min(2, words.length); length > 0; length--) {
    const id = words.slice(0, length).join(':');
    if (Object.hasOwn(commands, id)) return [id, words.slice(length)];
  }
  return [undefined, []];
}

/** Commands and topics, or the commands of a topic. */
function namesAfter(words: readonly string[], { commands, topics }: CommandList): Candidate[] {
  const prefix = words.map((word) => `${word}:`).join('');
  const below = Object.entries(commands).flatMap(([id, { summary, description, hidden }]) => {
    const name = id.slice(prefix.length);
    const isNext = id.startsWith(prefix) && !name.includes(':') && !hidden;
    return isNext ? [{ value: name, summary: summary ?? description?.split('\n')[0] }] : [];
  });
  const named = Object.entries(topics).map(([value, { description }]) => ({ value, summary: description }));
  return prefix ? below : [...below, ...named, ...ownStages(commands)];
}

/** Third-party stages of the nearest configuration. */
function ownStages(commands: CommandList['commands']): Candidate[] {
  const others = Object.values(stageIds([])).filter((name) => !Object.hasOwn(commands, name));
  return [...new Set(others)].map((value) => ({ value, summary: 'a stage of this configuration' }));
}

function afterCommand(
  command: ListedCommand,
  words: readonly string[],
  current: string,
  schemaFile: string,
): Candidate[] {
  const flags = Object.values(command.flags);
  const asked = flagAsked(flags, words.at(-1));
  if (asked) return valuesOf(asked, words, current, schemaFile);
  const [, name, value = ''] = /^--([\w-]+)=(.*)$/s.exec(current) ?? [];
  if (name !== undefined) {
    const flag = flags.find((each) => each.name === name);
    const values = flag ? valuesOf(flag, words, value, schemaFile) : [];
    return values.map((each) => ({ ...each, value: `--${name}=${each.value}` }));
  }
  if (current.startsWith('-')) return flagNames(flags, words);
  return argumentsOf(command, positions(flags, words).length, current);
}

/** The flag whose value comes next. */
function flagAsked(flags: readonly ListedFlag[], word: string | undefined): ListedFlag | undefined {
  const isOf = ({ name, char }: ListedFlag) => word === `--${name}` || (char && word === `-${char}`);
  return flags.find((flag) => flag.type === 'option' && isOf(flag));
}

function flagNames(flags: readonly ListedFlag[], words: readonly string[]): Candidate[] {
  const isGiven = (name: string) => words.some((word) => word === name || word.startsWith(`${name}=`));
  const shown = flags.filter(({ hidden, multiple, name }) => !hidden && (multiple || !isGiven(`--${name}`)));
  const help = { value: '--help', summary: 'show help' };
  return [
    ...shown.flatMap(({ name, allowNo, description }) => [
      { value: `--${name}`, summary: description },
      ...(allowNo ? [{ value: `--no-${name}`, summary: description }] : []),
    ]),
    help,
  ];
}

function valuesOf(
  flag: ListedFlag,
  words: readonly string[],
  current: string,
  schemaFile: string,
): Candidate[] {
  const { options, helpValue = '' } = flag;
  // Words in capitals stand for something else: latest|best|STEP.
  const told =
    options ?? (helpValue.includes('|') ? helpValue.split('|').filter((word) => !/[A-Z]/.test(word)) : []);
  if (told.length > 0) return told.map((value) => ({ value }));
  if (helpValue === 'PATH=VALUE') return keyCandidates(current, schemaFile, stageIds(words));
  if (helpValue === 'STAGE') return Object.keys(stageIds(words)).map((value) => ({ value }));
  return flag.name === 'config' ? configurations(current) : [];
}

/** The words that are no flags and no flags' values. */
function positions(flags: readonly ListedFlag[], words: readonly string[]): string[] {
  return words.filter((word, i) => !word.startsWith('-') && !flagAsked(flags, words[i - 1]));
}

function argumentsOf({ args, strict }: ListedCommand, place: number, current: string): Candidate[] {
  const names = Object.keys(args);
  const name = names[place] ?? (strict === false ? (names.at(-1) ?? 'run') : undefined);
  if (name === undefined) return [];
  const { options } = args[name] ?? {};
  if (options) return options.map((value) => ({ value }));
  if (name === 'run') return runFolders(current);
  return name === 'config' ? configurations(current) : [];
}
