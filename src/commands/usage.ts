/** What is wrong with flags and arguments, in calm's words: oclif's errors with the way out. */

import { toConfiguredId } from '@oclif/core';
import { CalmError, nearestOf, usage } from '../errors.ts';

/** What oclif says, as far as it says it. */
interface UsageError extends Error {
  /** Of flags that there are not. */
  readonly flags?: readonly string[];
  /** Of arguments that are missing or too many. */
  readonly args?: readonly (string | { readonly name: string; readonly description?: string })[];
  readonly oclif?: { readonly exit?: number };
}

/** The command that was meant, as far as it is known. */
export interface UsedCommand {
  readonly id?: string | undefined;
  /** Absent where it has none of its own. */
  readonly flags?: Readonly<Record<string, unknown>> | undefined;
}

/** An error of oclif's as ours; what is none of its own stays as it is. */
export function usageError(error: unknown, { id, flags = {} }: UsedCommand = {}): unknown {
  if (error instanceof CalmError || !(error instanceof Error) || !('oclif' in error)) return error;
  const command = ['calm', id ? toConfiguredId(id, { topicSeparator: ' ' } as never) : ''].join(' ').trim();
  const help = id ? `See ${command} --help.` : 'See calm help.';
  const told = error as UsageError;
  if (told.flags) {
    const names = Object.keys(flags).map((name) => `--${name}`);
    const near = told.flags.flatMap((flag) => nearestOf(flag, names) ?? []);
    const known = near.length ? `Did you mean ${near.join(' and ')}? ` : '';
    return usage(`${command} has no flag ${told.flags.join(', ')}.`, `${known}${help}`, error);
  }
  if (told.args) return usage(argumentProblem(command, told), help, error);
  const [, given = '', options] =
    /^Expected (?:--[\w-]+=)?(.*) to be one of: (.*)\n/.exec(told.message) ?? [];
  const near = options === undefined ? undefined : nearestOf(given, options.split(', '));
  const message = told.message
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/\s*See more help with --help$/, '');
  return usage(message, `${near ? `Did you mean "${near}"? ` : ''}${help}`, error);
}

function argumentProblem(command: string, { args = [], message }: UsageError): string {
  const missing = args.flatMap((arg) => (typeof arg === 'string' ? [] : [arg]));
  if (missing.length === 0) return `${command} takes no argument ${args.join(' ')}.`;
  const told = missing.map(
    ({ name, description }) => `${name.toUpperCase()}${description ? ` (${description})` : ''}`,
  );
  return /^Missing/.test(message) ? `${command} needs ${told.join(' and ')}.` : message.replace(/\n.*/s, '');
}
