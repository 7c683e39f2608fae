import { Args } from '@oclif/core';
import { resolvePath } from '../paths.ts';
import { formatAge, formatBytes } from '../reporting/format.ts';
import { formatMeasure } from '../reporting/terminal/measures.ts';
import { formatTable } from '../reporting/terminal/table.ts';
import { type ListedRun, listRuns } from '../runs/index.ts';
import { BaseCommand } from './base-command.ts';
import { shownPath } from './shown-path.ts';

export default class Ls extends BaseCommand {
  static override summary = 'List the runs in a folder: state, size, age, and headline numbers.';
  static override examples = ['calm ls', 'calm ls runs --json'];
  static override args = { folder: Args.string({ default: 'runs', description: 'folder of runs' }) };

  override async run() {
    const { args } = await this.parse(Ls);
    const folder = resolvePath(process.cwd(), args.folder);
    const runs = await listRuns(folder);
    const rows = runs.map((run) => [
      shownPath(run.directory),
      stateOf(run),
      formatBytes(run.bytes),
      formatAge(Date.now() - run.changedAt.getTime()),
      run.problem ?? headlineOf(run),
    ]);
    const none = `There is no run in ${shownPath(folder)}.`;
    this.say(runs.length ? formatTable(['run', 'state', 'size', 'changed', 'headline'], rows) : none);
    return { folder, runs };
  }
}

function stateOf({ state, numDone, numStages }: ListedRun): string {
  return state === 'done' || state === 'broken' ? state : `${state}, ${numDone} of ${numStages}`;
}

/** reconstruction accuracy 99.97 %, BrierLM 6.321; of a sweep from the least to the greatest. */
function headlineOf({ spread }: ListedRun): string {
  return spread
    .map(({ name, isShare, least, greatest }) => {
      const ends = [...new Set([least, greatest])].map((value) => formatMeasure(value, isShare));
      return `${name} ${ends.join(' … ')}`;
    })
    .join(', ');
}
