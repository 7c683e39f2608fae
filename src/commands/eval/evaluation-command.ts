import { Flags } from '@oclif/core';
import { flatten, formatTable } from '../../reporting/index.ts';
import { BaseCommand, configArgs, configFlags, variantFlag } from '../base-command.ts';
import { commandLine, executeAside, openWorkspace, type Workspace } from '../workspace.ts';

export const evaluationArgs = configArgs;
export const evaluationFlags = {
  ...configFlags,
  ...variantFlag,
  'num-sequences': Flags.integer({ description: 'held-out sequences' }),
};

/** What chooses a configuration and a variant of it. */
export interface EvaluationChoice {
  readonly config?: string;
  readonly set: string[];
  readonly engine?: string;
  readonly variant?: string;
}

/** Runs an evaluation stage beside the run folder for one measure, and returns what it found. */
export abstract class EvaluationCommand extends BaseCommand {
  /** @param stage `evaluate`, or `evaluate-baseline` for a run of the discrete baseline */
  protected async measure(
    stage: string,
    measure: string,
    choice: EvaluationChoice,
    fields: Record<string, unknown>,
  ) {
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    const change = { stage, fields: { ...given, measures: [measure] }, canAdd: true };
    const workspace = await openWorkspace(this.config, choice, change);
    const command = commandLine([...(this.id ?? '').split(':'), ...this.argv]);
    const { metrics } = await executeAside(
      workspace,
      { isJson: this.jsonEnabled(), command },
      choice.variant,
    );
    return metrics[measure] as Record<string, unknown> | undefined;
  }

  /** The configuration as an argument or a flag, with what changes it. */
  protected choiceOf(
    args: { config?: string },
    { config, set, engine, variant }: EvaluationChoice,
  ): EvaluationChoice {
    return { config: args.config ?? config, set, engine, variant };
  }

  /** Whether a configuration trains the discrete baseline and no CALM. */
  protected async isBaseline(choice: EvaluationChoice): Promise<boolean> {
    const { config }: Workspace = await openWorkspace(this.config, choice);
    const uses = Object.values(config.stages).map((stage) => stage.uses);
    return uses.includes('train-baseline') && !uses.includes('train-lm');
  }

  protected sayFound(found: unknown): void {
    this.say(formatTable(['measure', 'value'], flatten(found ?? {})));
  }
}
