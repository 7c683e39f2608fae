import { Flags } from '@oclif/core';
import { columnsOf, compare, formatComparison } from '../reporting/index.ts';
import { BaseCommand, configFlags } from './base-command.ts';
import { openLabelledRuns } from './labelled-runs.ts';

export default class Compare extends BaseCommand {
  static override summary = 'Show runs side by side: what differs in them, and which results are better.';
  static override description =
    'Runs that differ in their seed alone are one column, their mean with its spread. The runs of a sweep ' +
    'are compared with one another. `calm report RUN…` shows the same as a page, with curves.';
  static override examples = [
    'calm compare runs/quickstart runs/short',
    'calm compare runs/sweep --all',
    'calm compare configs/a.yaml configs/b.yaml --json',
  ];
  static override strict = false;
  static override args = {};
  static override usage = 'compare RUN… [--all] [-s PATH=VALUE] [--json]';
  static override flags = {
    set: configFlags.set,
    all: Flags.boolean({
      description: 'every number that was measured, not only the measures that have names',
    }),
  };

  override async run() {
    const { argv, flags } = await this.parse(Compare);
    const named = await openLabelledRuns(this.config, argv as string[], flags.set);
    const comparison = compare(
      named.map(({ run }) => run),
      flags.all,
    );
    this.say(formatComparison(comparison, columnsOf(process.stdout)));
    const columns = comparison.columns.map(({ name, runs: compared }) => ({
      name,
      runs: [...new Set(compared.map(({ run }) => run.folder.directory))],
    }));
    const { differences, results, notes } = comparison;
    return { columns, differences, results, notes };
  }
}
