/** What was run, when, with what; and what was not. */

import type { Run, RunStage } from '../../../runs/index.ts';
import { formatSeconds } from '../../format.ts';
import { type Block, tableBlocks } from '../blocks.ts';
import { groupBy } from '../group.ts';
import { NONE } from '../values.ts';
import type { Variant } from '../variants.ts';

/**
 * What a reader must know before the numbers: stages without a result, and results of another configuration.
 */
export function stateNotes(run: Run): string[] {
  const asked = run.stages.filter(({ isAsked }) => isAsked || run.record === undefined);
  const ids = (stages: readonly RunStage[]) => stages.map(({ id }) => id).join(', ');
  const broken = asked.filter(({ problem }) => problem);
  const missing = asked.filter(({ manifest, problem }) => !manifest && !problem);
  const other = asked.filter(({ manifest, isCurrent }) => manifest && !isCurrent);
  const left = run.stages.filter(({ isAsked, manifest }) => run.record && !isAsked && manifest);
  const isUnclear = !run.record && new Set(run.stages.map(({ base }) => base)).size < run.stages.length;
  return [
    ...(isUnclear ? ['run.json is gone, so no one knows which results belong together; run it again.'] : []),
    ...(missing.length ? [`Not run yet: ${ids(missing)}.`] : []),
    ...broken.map(({ id, problem }) => `The result of ${id} can't be read: ${problem}`),
    ...(other.length ? [`Run with an earlier configuration, and shown as it was then: ${ids(other)}.`] : []),
    ...(left.length ? [`Not shown, because the configuration no longer has it: ${ids(left)}.`] : []),
  ];
}

/** The ids of stages that the configuration has and that have no result. */
export function notRun(run: Run): string[] {
  return run.stages.filter(({ isAsked, manifest }) => isAsked && !manifest).map(({ id }) => id);
}

/** One line for pages that show nothing more. */
export function provenanceLine({ name }: Run, variants: readonly Variant[]): Block {
  const done = variants.map(({ manifest }) => manifest);
  const seconds = done.reduce((sum, manifest) => sum + manifest.seconds, 0);
  const engines = new Set(done.flatMap(({ versions }) => (versions.engine ? [versions.engine] : [])));
  const seeds = [...new Set(done.map(({ seed }) => seed))];
  const text = [
    `${done.length} ${done.length === 1 ? 'stage' : 'stages'}, ${formatSeconds(seconds)} of work`,
    engines.size ? `engine ${[...engines].join(', ')}` : '',
    seeds.length ? `seed ${seeds.join(', ')}` : '',
    `run ${name}`,
  ];
  return { kind: 'fact', text: text.filter(Boolean).join(' · ') };
}

export function provenanceBlocks(variants: readonly Variant[]): Block[] {
  const rows = variants.map(({ id, manifest: { versions, seed, seconds, finishedAt } }) => [
    id,
    versions.engine ?? NONE,
    versions.threads ?? NONE,
    String(seed),
    formatSeconds(seconds),
    finishedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'),
  ]);
  const head = ['stage', 'engine', 'threads', 'seed', 'time', 'finished'];
  return [...tableBlocks('How it was made', { head, rows }), ...versionLine(variants)];
}

function versionLine(variants: readonly Variant[]): Block[] {
  const found = variants.flatMap(({ manifest: { versions } }) =>
    Object.entries(versions).filter(([name]) => name !== 'engine' && name !== 'threads'),
  );
  const lines = [...groupBy(found, ([name]) => name)].map(
    ([name, entries]) => `${name} ${[...new Set(entries.map(([, version]) => version))].join(', ')}`,
  );
  return lines.length ? [{ kind: 'fact', text: lines.join(' · ') }] : [];
}
