import { Flags } from '@oclif/core';
import { joinRanks } from '../cluster/join.ts';
import type { Ranks } from '../pipeline/index.ts';
import { detailFlags, detailOf, endOf } from './answering.ts';
import { BaseCommand, configArgs, configFlags, selectionFlags } from './base-command.ts';
import { downloading } from './downloading.ts';
import { execute, serve } from './executing.ts';
import { formatPlan } from './plan.ts';
import { isLaunched, launchRanks } from './ranks/launching.ts';
import { commandLine, planFor } from './workspace.ts';

type Planned = Awaited<ReturnType<typeof planFor>>;

export default class Run extends BaseCommand {
  static override summary = 'Run the stages of a configuration that are out of date.';
  static override description =
    'Stages whose configuration, inputs and sources have not changed are skipped. An interrupted run ' +
    'resumes where it stopped.';
  static override examples = [
    'calm run configs/quickstart.yaml',
    'calm run --set train-lm.steps=500 --from train-lm',
    'calm run --only evaluate --force',
  ];
  static override args = configArgs;
  static override flags = {
    ...configFlags,
    ...selectionFlags,
    ...detailFlags,
    'dry-run': Flags.boolean({ char: 'n', description: 'show what would be done' }),
    ranks: Flags.integer({
      description: 'so many processes share the work, by this machine’s MPI; docs/clusters.md',
      helpValue: 'NUMBER',
    }),
  };

  override async run() {
    const { args, flags } = await this.parse(Run);
    const detail = detailOf(flags);
    const download = flags['dry-run'] ? {} : { download: downloading(this.jsonEnabled(), detail) };
    const planned = () => planFor(this.config, { args, flags }, { ...flags, ...download });
    if (flags['dry-run']) {
      const { plan } = await planned();
      this.say(formatPlan(plan));
      return { stages: plan.stages.map(({ node, state, reasons }) => ({ name: node.id, state, reasons })) };
    }
    if (flags.ranks !== undefined && !isLaunched()) {
      process.exitCode = await launchRanks(flags.ranks, ['run', ...this.argv]);
      return undefined;
    }
    const choice = { isJson: this.jsonEnabled(), command: commandLine(['run', ...this.argv]), detail };
    const lead = async ({ plan, registry }: Planned, ranks?: Ranks) => {
      const stages = await execute(plan, choice, ranks);
      this.say(await endOf(plan, registry, stages, detail));
      return { run: plan.folder.directory, stages };
    };
    const cluster = await joinRanks();
    if (!cluster) return lead(await planned());
    const { amongRanks } = await import('./ranks/among-ranks.ts');
    return amongRanks(cluster, { plan: planned, lead, serve: (plan, ranks) => serve(plan, choice, ranks) });
  }
}
