import { Flags } from '@oclif/core';
import { BaseCommand, configArgs, configFlags } from '../base-command.ts';
import { commandLine, executeAside, openWorkspace } from '../workspace.ts';

export const evaluationArgs = configArgs;
export const evaluationFlags = {
  ...configFlags,
  'num-sequences': Flags.integer({ description: 'held-out sequences' }),
  'num-patches': Flags.integer({ description: 'held-out patches for the reconstruction' }),
};

/** Runs the evaluate stage beside the run folder for one measure, and returns what it found. */
export abstract class EvaluationCommand extends BaseCommand {
  protected async measure(measure: string, choice: { config?: string; set: string[]; engine?: string }, fields: Record<string, unknown>) {
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    const change = { stage: 'evaluate', fields: { ...given, measures: [measure] }, canAdd: true };
    const workspace = await openWorkspace(this.config, choice, change);
    const { metrics } = await executeAside(workspace, { isJson: this.jsonEnabled(), command: commandLine([...(this.id ?? '').split(':'), ...this.argv]) });
    return metrics[measure] as Record<string, unknown> | undefined;
  }
}
