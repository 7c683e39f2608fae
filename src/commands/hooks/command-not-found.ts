import type { Hook, Interfaces } from '@oclif/core';
import { unknownStage } from '../../errors.ts';
import type { Registry } from '../../pipeline/index.ts';
import { formatError } from '../base-command.ts';
import { runStageCommand } from '../stage-command.ts';
import { gatherStages, openWorkspace } from '../workspace.ts';

/** A name that is no command may be a stage of an installed plugin or of the configuration's `plugins:` list. */
const hook: Hook<'command_not_found'> = async ({ id, argv = [], config }) => {
  // Words are parts of a command's name to oclif until they begin with a dash: "my-stage calm.yaml" comes as "my-stage:calm.yaml".
  const [name, ...words] = id.split(':');
  const rest = [...words, ...argv];
  try {
    const installed = await gatherStages(config);
    const named = words[0] ?? valueAfter(rest, ['--config', '-c']);
    const registry = installed.has(name)
      ? installed
      : await configuredStages(config, named).catch(() => installed);
    if (!registry.has(name))
      throw unknownStage(name, [
        ...new Set([...registry.names, ...config.commandIDs.filter((command) => !command.includes(':'))]),
      ]);
    await runStageCommand(registry.get(name), rest, config);
  } catch (error) {
    process.stderr.write(`${formatError(error)}\n`);
    process.exitCode = 1;
  }
};

async function configuredStages(config: Interfaces.Config, named: string | undefined): Promise<Registry> {
  return (await openWorkspace(config, { config: named })).registry;
}

function valueAfter(argv: readonly string[], names: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => names.includes(word));
  return at < 0 ? undefined : argv[at + 1];
}

export default hook;
