import { Flags } from '@oclif/core';
import { detailFlags, detailOf, endOf } from './answering.ts';
import { BaseCommand, configArgs, configFlags, selectionFlags } from './base-command.ts';
import { downloading } from './downloading.ts';
import { execute } from './executing.ts';
import { formatPlan } from './plan.ts';
import { commandLine, planFor } from './workspace.ts';

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
  };

  override async run() {
    const { args, flags } = await this.parse(Run);
    const detail = detailOf(flags);
    const download = flags['dry-run'] ? {} : { download: downloading(this.jsonEnabled(), detail) };
    const { plan, registry } = await planFor(this.config, { args, flags }, { ...flags, ...download });
    if (flags['dry-run']) {
      this.say(formatPlan(plan));
      return { stages: plan.stages.map(({ node, state, reasons }) => ({ name: node.id, state, reasons })) };
    }
    const command = commandLine(['run', ...this.argv]);
    const stages = await execute(plan, { isJson: this.jsonEnabled(), command, detail });
    this.say(await endOf(plan, registry, stages, detail));
    return { run: plan.folder.directory, stages };
  }
}
