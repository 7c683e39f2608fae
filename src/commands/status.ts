import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatCount, formatNumber, formatSeconds } from '../reporting/format.ts';
import { formatTable } from '../reporting/terminal/table.ts';
import { type Run, type RunStage, readMetrics } from '../runs/index.ts';
import { BaseCommand, readingFlags, runArgs } from './base-command.ts';
import { shownPath } from './shown-path.ts';
import { openRun } from './subject.ts';

export default class Status extends BaseCommand {
  static override summary = 'Show how far a run is: its stages, and the last line of the one at work.';
  static override description =
    'From another terminal, while it runs. Whether a run is up to date with its configuration and corpus: calm plan RUN.';
  static override examples = ['calm status runs/quickstart'];
  static override args = runArgs;
  static override flags = { config: readingFlags.config, set: readingFlags.set };

  override async run() {
    const { args, flags } = await this.parse(Status);
    const run = await openRun(args.run ?? flags.config, flags.set);
    const owner = run.folder.owner();
    const stages = await Promise.all(run.stages.map((stage) => statusOf(run, stage, owner !== undefined)));
    const who = owner ? `process ${owner.pid} on ${owner.host} is at work` : 'no process is at work';
    this.say(`${shownPath(run.folder.directory)}: ${who}`);
    const rows = stages.map(({ name, state, seconds, progress, last }) => [
      name,
      state,
      seconds === undefined ? '' : formatSeconds(seconds),
      describeProgress(progress),
      describe(last),
    ]);
    this.say(formatTable(['stage', 'state', 'time', 'progress', 'last'], rows));
    return { run: run.folder.directory, process: owner?.pid ?? null, stages };
  }
}

/** `at work` or `stopped` where a stage has begun and not ended. */
async function statusOf({ folder }: Run, { id, manifest, isCurrent, problem }: RunStage, isOwned: boolean) {
  const work = folder.work(id);
  const hasBegun = existsSync(join(work, 'work.json'));
  const last = hasBegun ? readMetrics<Record<string, number>>(join(work, 'metrics.jsonl')).at(-1) : undefined;
  const progress = hasBegun ? await folder.progress(id) : undefined;
  const result = problem
    ? 'broken'
    : !manifest
      ? 'has not been run'
      : isCurrent
        ? 'done'
        : 'done with another configuration';
  return {
    name: id,
    state: hasBegun ? (isOwned ? 'at work' : 'stopped') : result,
    seconds: manifest?.seconds,
    ...(manifest?.versions.engine ? { engine: manifest.versions.engine } : {}),
    ...(progress ? { progress } : {}),
    ...(last ? { last } : {}),
  };
}

type Progress = Awaited<ReturnType<Run['folder']['progress']>>;

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
