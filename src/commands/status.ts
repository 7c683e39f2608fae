import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../pipeline/index.ts';
import { formatCount, formatNumber, formatSeconds, formatTable } from '../reporting/format.ts';
import { readMetrics } from '../reporting/metrics-file.ts';
import { BaseCommand, configArgs, configFlags } from './base-command.ts';
import { planFor } from './workspace.ts';

export default class Status extends BaseCommand {
  static override summary =
    'Show how far a run is, from another terminal: its stages, and the last line of the one at work.';
  static override examples = ['calm status runs/quickstart'];
  static override args = configArgs;
  static override flags = configFlags;

  override async run() {
    const { args, flags } = await this.parse(Status);
    const plan = await planFor(this.config, { args, flags });
    const owner = plan.folder.owner();
    const stages = await Promise.all(
      plan.stages.map((planned) => statusOf(plan, planned, owner !== undefined)),
    );
    this.say(
      `${plan.folder.directory}: ${owner === undefined ? 'no process is at work' : `process ${owner.pid} on ${owner.host} is at work`}`,
    );
    this.say(
      formatTable(
        ['stage', 'state', 'time', 'progress', 'last'],
        stages.map(({ name, state, seconds, progress, last }) => [
          name,
          state,
          seconds === undefined ? '' : formatSeconds(seconds),
          describeProgress(progress),
          describe(last),
        ]),
      ),
    );
    return { run: plan.folder.directory, process: owner?.pid ?? null, stages };
  }
}

/** fresh, stale, shared or blocked as in a plan; `at work` or `stopped` where a stage has begun and not ended. */
async function statusOf(
  { folder }: Plan,
  { node, state, manifest, reasons }: Plan['stages'][number],
  isOwned: boolean,
) {
  const work = folder.work(node.id);
  const hasBegun = existsSync(join(work, 'work.json'));
  const last = hasBegun ? readMetrics<Record<string, number>>(join(work, 'metrics.jsonl')).at(-1) : undefined;
  const progress = hasBegun ? await folder.progress(node.id) : undefined;
  const shown = hasBegun ? (isOwned ? 'at work' : 'stopped') : state;
  return {
    name: node.id,
    state: shown,
    seconds: manifest?.seconds,
    reasons,
    ...(progress ? { progress } : {}),
    ...(last ? { last } : {}),
  };
}

type Progress = Awaited<ReturnType<Plan['folder']['progress']>>;

/** 400 / 2000 · 12.3k tokens/s. */
function describeProgress(progress: Progress): string {
  if (!progress) return '';
  const { step, steps, tokensPerSecond } = progress;
  const place = steps === undefined ? formatNumber(step) : `${formatNumber(step)} / ${formatNumber(steps)}`;
  return tokensPerSecond === undefined ? place : `${place} · ${formatCount(tokensPerSecond)} tokens/s`;
}

function describe(last: Record<string, number> | undefined): string {
  return Object.entries(last ?? {})
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join(' · ');
}
