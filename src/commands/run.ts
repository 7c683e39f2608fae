import { Flags } from '@oclif/core';
import { joinRanks } from '../cluster/join.ts';
import type { Ranks } from '../pipeline/index.ts';
import { detailFlags, detailOf, endOf } from './answering.ts';
import { BaseCommand, configArgs, configFlags, selectionFlags } from './base-command.ts';
import { downloading } from './downloading.ts';
import { execute, executeFor, serve } from './executing.ts';
import { doJob, stageOfJob, startingJobs } from './jobs.ts';
import { formatPlan } from './plan.ts';
import { isLaunched, launchRanks } from './ranks/launching.ts';
import { commandLine, planFor } from './workspace.ts';

/** The selection of a command, whatever its stages are. */
function wholeOf({ check, force }: { readonly check: boolean; readonly force: boolean }) {
  return { check, force };
}

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
    jobs: Flags.integer({
      char: 'j',
      description: 'so many stages that do not need one another at once; they share the cores',
      helpValue: 'NUMBER',
      min: 1,
      exclusive: ['ranks'],
    }),
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
      const jobs = flags.jobs === undefined ? {} : { jobs: startingJobs(flags.jobs, ['run', ...this.argv]) };
      const stages = await execute(plan, choice, { ...jobs, ...(ranks ? { ranks } : {}) });
      this.say(await endOf(plan, registry, stages, detail));
      return { run: plan.folder.directory, stages };
    };
    const job = stageOfJob();
    if (job !== undefined) {
      const { plan } = await planFor(this.config, { args, flags }, { ...wholeOf(flags), only: [job] });
      await doJob((report) => executeFor(plan, job, choice, report));
      return undefined;
    }
    const cluster = await joinRanks();
    if (!cluster) return lead(await planned());
    const { amongRanks } = await import('./ranks/among-ranks.ts');
    return amongRanks(cluster, { plan: planned, lead, serve: (plan, ranks) => serve(plan, choice, ranks) });
  }
}
