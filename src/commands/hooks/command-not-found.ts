import type { Hook } from '@oclif/core';
import { showError } from '../base-command.ts';
import { findUnlisted } from '../unlisted.ts';

interface Runnable {
  run(argv: readonly string[], config: unknown): Promise<unknown>;
}

/** A name that oclif does not list may be a stage of an installed plugin or of the configuration's. */
const hook: Hook<'command_not_found'> = async ({ id, argv = [], config }) => {
  // Words are parts of a command's name to oclif until they begin with a dash: "my-stage calm.yaml" comes as
  // "my-stage:calm.yaml".
  const words = [...id.split(':'), ...argv];
  try {
    const found = await findUnlisted(words, config);
    await (found.command as unknown as Runnable).run(found.argv, config);
  } catch (error) {
    showError(error, words.includes('--json'));
  }
};

export default hook;
