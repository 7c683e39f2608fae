/** What all commands share: errors on one screen, --json, and the way from flags to a plan. */

import { Args, Command, Flags } from '@oclif/core';
import { CalmError, formatLocation, messageOf, systemError } from '../errors.ts';

export const configArgs = {
  config: Args.string({ description: 'YAML file or run folder; the nearest calm.yaml where absent' }),
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
  engine: Flags.string({ description: 'tensor engine: auto, node-gpu, node, onnx, wasm, cpu' }),
};

export const variantFlag = {
  variant: Flags.string({
    description: 'of a sweep: the variant of the stage, as `calm plan` names it',
    helpValue: 'ID',
  }),
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
  force: Flags.boolean({ char: 'f', description: 'run even what is fresh' }),
};

export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;

  /** Prints an error of the user's on one screen; a defect of ours keeps its stack. */
  protected override async catch(
    thrown: Error & { exitCode?: number; oclif?: { exit?: number } },
  ): Promise<void> {
    const error = systemError(thrown, process.cwd()) ?? thrown;
    process.exitCode = error instanceof CalmError ? error.exitCode : (thrown.oclif?.exit ?? 1);
    if (this.jsonEnabled()) this.logJson(this.toErrorJson(error));
    else process.stderr.write(`${formatError(error)}\n`);
  }

  protected override toErrorJson(error: unknown): { error: Record<string, unknown> } {
    if (!(error instanceof CalmError))
      return { error: { code: 'CALM_UNEXPECTED', message: messageOf(error) } };
    const { code, message, hint, location } = error;
    return { error: { code, message, ...(hint ? { hint } : {}), ...(location ? { location } : {}) } };
  }

  /** A line for people; silent with --json. */
  protected say(text: string): void {
    if (!this.jsonEnabled()) this.log(text);
  }
}

/** code, place, what is wrong, the way out. */
export function formatError(error: unknown): string {
  if (error instanceof CalmError) {
    const place = error.location ? `  ${formatLocation(error.location)}` : '';
    return [
      `✖ ${error.code}${place}`,
      `  ${error.message}`,
      ...(error.hint ? [`  → ${error.hint}`] : []),
    ].join('\n');
  }
  const isOclif = error instanceof Error && 'oclif' in error;
  return isOclif
    ? `✖ ${messageOf(error)}`
    : `✖ This is a defect of calm, please report it.\n${error instanceof Error ? error.stack : String(error)}`;
}
