/** Runs a command, and shows whatever no command has caught: also an error of oclif's own, also as JSON. */

import { flush, type Interfaces, run } from '@oclif/core';

export async function main(args: string[], options: Interfaces.LoadOptions): Promise<void> {
  try {
    // oclif's help is for people and has no such flag; its errors are told as documents all the same.
    await run(args[0] === 'help' ? args.filter((arg) => arg !== '--json') : args, options);
    await flush();
  } catch (error) {
    const { code, oclif } = error as { code?: string; oclif?: { exit?: number } };
    // An exit that was asked for.
    if (code === 'EEXIT') process.exitCode = oclif?.exit ?? 0;
    else (await import('./base-command.ts')).showError(error, args.includes('--json'));
  }
}
