import type { Hook } from '@oclif/core';
import { messageOf, unknownStage } from '../../errors.ts';
import { formatError } from '../base-command.ts';
import { runStageCommand } from '../stage-command.ts';
import { gatherStages, openWorkspace } from '../workspace.ts';

/** A name that is no command may be a stage of an installed plugin or of the configuration's `plugins:` list. */
const hook: Hook<'command_not_found'> = async ({ id, argv = [], config }) => {
  try {
    const named = argv.find((word, i) => !word.startsWith('-') && !/^-/.test(argv[i - 1] ?? '')) ?? valueAfter(argv, ['--config', '-c']);
    const installed = await gatherStages(config);
    const { registry } = installed.has(id) ? { registry: installed } : await openWorkspace(config, { config: named }).catch(() => ({ registry: installed }));
    if (!registry.has(id)) throw unknownStage(id, [...registry.names, ...config.commandIDs.filter((name) => !name.includes(':'))]);
    await runStageCommand(registry.get(id), argv, config);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? formatError(error) : messageOf(error)}\n`);
    process.exitCode = 1;
  }
};

function valueAfter(argv: readonly string[], names: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => names.includes(word));
  return at < 0 ? undefined : argv[at + 1];
}

export default hook;
