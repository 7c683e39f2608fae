/** Commands that oclif does not list: stages and measures of the plugins that a configuration names. */

import type { Command, Interfaces } from '@oclif/core';
import { CalmError, unknownCommand } from '../errors.ts';
import type { Registry } from '../pipeline/index.ts';
import { measureCommands } from './eval/measure-command.ts';
import { stageCommand } from './stage-command.ts';
import { stagesOf as stagesOfRun } from './subject.ts';
import { gatherStages, openWorkspace } from './workspace.ts';

export interface Unlisted {
  readonly command: Command.Class;
  /** What is left for the command itself. */
  readonly argv: string[];
}

/**
 * The command that words mean, or an error that names the nearest.
 * @param words as they were typed, none of them listed by oclif
 */
export async function findUnlisted(words: readonly string[], config: Interfaces.Config): Promise<Unlisted> {
  const [name = '', ...rest] = words;
  const places = rest.filter((_, i) => rest.slice(0, i + 1).every((word) => !word.startsWith('-')));
  if (name === 'eval') return { command: await measureNamed(places, rest, config), argv: rest.slice(1) };
  const listed = namesIn(config, name);
  if (listed.length > 0) throw unknownCommand(places[0] ?? '', listed, name);
  const installed = await gatherStages(config);
  const isKnown = installed.has(name) || name.startsWith('-');
  const open = async () => (await openWorkspace(config, { config: places[0] ?? configIn(rest) })).registry;
  const registry = (isKnown ? undefined : await unless(NO_CONFIGURATION, open)) ?? installed;
  if (registry.has(name)) return { command: stageCommand(registry.get(name)), argv: rest };
  const topLevel = config.commandIDs.filter((id) => !id.includes(':'));
  const topics = config.topics.map((topic) => topic.name);
  throw unknownCommand(name, [...new Set([...registry.names, ...topLevel, ...topics])]);
}

/** `calm eval NAME [RUN]`: a measure that the run's plugins register. */
async function measureNamed(
  [name = '', run]: readonly string[],
  rest: readonly string[],
  config: Interfaces.Config,
): Promise<Command.Class> {
  const open = () => stagesOfRun(config, run ?? configIn(rest));
  const found = await unless(['CALM_CONFIG_NONE'], open);
  const commands = measureCommands(found?.list().map(({ stage }) => stage) ?? []);
  const command = commands[`eval:${name}`];
  if (command) return command;
  const names = new Set([...namesIn(config, 'eval'), ...Object.keys(commands).map(withoutTopic)]);
  throw unknownCommand(name, [...names], 'eval');
}

/** The commands below a topic such as `eval`. */
function namesIn(config: Interfaces.Config, topic: string): string[] {
  return config.commandIDs.filter((id) => id.startsWith(`${topic}:`)).map(withoutTopic);
}

const withoutTopic = (id: string) => id.slice(id.indexOf(':') + 1);

/** Undefined where there is no configuration to look into; a broken plugin is said. */
async function unless(
  codes: readonly string[],
  open: () => Promise<Registry>,
): Promise<Registry | undefined> {
  return open().catch((error: unknown) => {
    if (error instanceof CalmError && codes.includes(error.code)) return undefined;
    throw error;
  });
}

const NO_CONFIGURATION = ['CALM_CONFIG_NONE', 'CALM_CONFIG_NOT_FOUND', 'CALM_NOT_A_FOLDER'];

function configIn(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => word === '--config' || word === '-c');
  return at < 0 ? undefined : argv[at + 1];
}
