import { relative, resolve } from 'node:path';
import { Args } from '@oclif/core';
import { resolvePath } from '../paths.ts';
import { formatAge, formatBytes, formatNumber, formatTable } from '../reporting/format.ts';
import { type ListedRun, listRuns } from '../runs/index.ts';
import { BaseCommand } from './base-command.ts';

export default class Ls extends BaseCommand {
  static override summary =
    'List the runs in a folder: state, size, age, and the numbers that stand for each.';
  static override examples = ['calm ls', 'calm ls runs --json'];
  static override args = { folder: Args.string({ default: 'runs', description: 'folder of runs' }) };

  override async run() {
    const { args } = await this.parse(Ls);
    const folder = resolvePath(process.cwd(), args.folder);
    const runs = await listRuns(folder);
    const rows = runs.map((run) => [
      relative(process.cwd(), run.directory) || resolve(run.directory),
      stateOf(run),
      formatBytes(run.bytes),
      formatAge(Date.now() - run.changedAt.getTime()),
      run.problem ?? headlineOf(run),
    ]);
    const none = `There is no run in ${folder}.`;
    this.say(runs.length ? formatTable(['run', 'state', 'size', 'changed', 'headline'], rows) : none);
    return { folder, runs };
  }
}

function stateOf({ state, numDone, numStages }: ListedRun): string {
  return state === 'done' || state === 'broken' ? state : `${state}, ${numDone} of ${numStages}`;
}

function headlineOf({ headline }: ListedRun): string {
  return Object.entries(headline)
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join(' · ');
}
