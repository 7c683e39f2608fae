import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../pipeline/index.ts';
import { formatNumber, formatSeconds, formatTable } from '../reporting/format.ts';
import { readMetrics } from '../reporting/metrics-file.ts';
import { BaseCommand, configArgs, configFlags } from './base-command.ts';
import { openWorkspace, planOf } from './workspace.ts';

export default class Status extends BaseCommand {
  static override summary = 'Show how far a run is, from another terminal: its stages, and the last line of the one at work.';
  static override examples = ['calm status runs/quickstart'];
  static override args = configArgs;
  static override flags = configFlags;

  override async run() {
    const { args, flags } = await this.parse(Status);
    const plan = await planOf(await openWorkspace(this.config, { ...flags, config: args.config ?? flags.config }), {});
    const owner = plan.folder.owner();
    const stages = plan.stages.map((planned) => statusOf(plan, planned, owner !== undefined));
    this.say(`${plan.folder.directory}: ${owner === undefined ? 'no process is at work' : `process ${owner.pid} on ${owner.host} is at work`}`);
    this.say(
      formatTable(
        ['stage', 'state', 'time', 'last'],
        stages.map(({ name, state, seconds, last }) => [name, state, seconds === undefined ? '' : formatSeconds(seconds), describe(last)]),
      ),
    );
    return { run: plan.folder.directory, process: owner?.pid ?? null, stages };
  }
}

/** fresh, stale, shared or blocked as in a plan; `at work` or `stopped` where a stage has begun and not ended. */
function statusOf({ folder }: Plan, { node, state, manifest, reasons }: Plan['stages'][number], isOwned: boolean) {
  const work = folder.work(node.id);
  const hasBegun = existsSync(join(work, 'work.json'));
  const last = hasBegun ? readMetrics<Record<string, number>>(join(work, 'metrics.jsonl')).at(-1) : undefined;
  const shown = hasBegun ? (isOwned ? 'at work' : 'stopped') : state;
  return { name: node.id, state: shown, seconds: manifest?.seconds, reasons, ...(last ? { last } : {}) };
}

function describe(last: Record<string, number> | undefined): string {
  return Object.entries(last ?? {})
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join(' · ');
}
