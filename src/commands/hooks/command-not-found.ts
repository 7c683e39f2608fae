import type { Hook, Interfaces } from '@oclif/core';
import { CalmError, unknownCommand, unknownStage } from '../../errors.ts';
import type { Registry } from '../../pipeline/index.ts';
import { showError } from '../base-command.ts';
import { runMeasureCommand } from '../eval/measure-command.ts';
import { runStageCommand } from '../stage-command.ts';
import { gatherStages, openWorkspace } from '../workspace.ts';

/**
 * A name that is no command may be a stage of an installed plugin or of the configuration's `plugins:` list.
 */
const hook: Hook<'command_not_found'> = async ({ id, argv = [], config }) => {
  // Words are parts of a command's name to oclif until they begin with a dash: "my-stage calm.yaml" comes as
  // "my-stage:calm.yaml".
  const [name, ...words] = id.split(':');
  const rest = [...words, ...argv];
  try {
    if (name === 'eval' && (await runMeasureCommand(rest, words[1] ?? configIn(rest), config))) return;
    const ofTopic = config.commandIDs.filter((command) => command.startsWith(`${name}:`));
    if (ofTopic.length > 0) {
      const commands = ofTopic.map((command) => command.replace(':', ' '));
      throw unknownCommand([name, ...words.slice(0, 1)].join(' '), commands);
    }
    const installed = await gatherStages(config);
    const named = words[0] ?? configIn(rest);
    const registry = installed.has(name) ? installed : await configuredStages(config, named, installed);
    if (!registry.has(name)) {
      const commands = config.commandIDs.filter((command) => !command.includes(':'));
      throw unknownStage(name, [...new Set([...registry.names, ...commands])]);
    }
    await runStageCommand(registry.get(name), rest, config);
  } catch (error) {
    showError(error, rest.includes('--json'));
  }
};

/**
 * The stages of the named or nearest configuration. One that can't be found or read has none; a broken plugin
 * is said.
 */
async function configuredStages(
  config: Interfaces.Config,
  named: string | undefined,
  installed: Registry,
): Promise<Registry> {
  try {
    return (await openWorkspace(config, { config: named })).registry;
  } catch (error) {
    if (error instanceof CalmError && NO_CONFIGURATION.has(error.code)) return installed;
    throw error;
  }
}

const NO_CONFIGURATION = new Set(['CALM_CONFIG_NONE', 'CALM_CONFIG_NOT_FOUND', 'CALM_NOT_A_FOLDER']);

function configIn(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => word === '--config' || word === '-c');
  return at < 0 ? undefined : argv[at + 1];
}

export default hook;
