/** What several settings have finished, as the sections of a report take it: one colour a setting. */

import { groupBy } from '../report/group.ts';
import type { Variant } from '../report/variants.ts';
import type { Column } from './columns.ts';
import type { FinishedStage } from './compared-run.ts';

/** What one setting has of a stage: a result for each seed. */
interface Finished {
  readonly base: string;
  readonly setting: string;
  readonly stages: readonly FinishedStage[];
}

/** Stages that settings share come once, under the names of all of them; without one where all do. */
export function variantsOfColumns(columns: readonly Column[]): Variant[] {
  const finished = columns.flatMap(finishedOf);
  return [...groupBy(finished, ({ base }) => base).values()].flatMap((all) => {
    const shared = [...groupBy(all, ({ stages }) => printOf(stages)).values()];
    const isOne = shared.length === 1 && all.length === columns.length;
    return shared.flatMap((group) => {
      const setting = isOne ? '' : group.map((one) => one.setting).join(', ');
      return group[0].stages.map((stage) => variantOf(group[0], stage, setting));
    });
  });
}

function finishedOf({ name, runs }: Column): Finished[] {
  const bases = new Set(runs.flatMap(({ stages }) => [...stages.keys()]));
  return [...bases].map((base) => {
    const all = runs.flatMap(({ stages }) => stages.get(base) ?? []);
    const stages = all.filter((stage, i) => all.findIndex((other) => isSame(stage, other)) === i);
    return { base, setting: name, stages };
  });
}

const isSame = (a: FinishedStage, b: FinishedStage) => a.manifest.fingerprint === b.manifest.fingerprint;

const printOf = (stages: readonly FinishedStage[]) =>
  stages
    .map(({ manifest }) => manifest.fingerprint)
    .sort()
    .join();

function variantOf({ base, stages }: Finished, stage: FinishedStage, setting: string): Variant {
  const { uses, directory, manifest } = stage;
  const seed = stages.length > 1 ? `seed ${manifest.seed}` : '';
  return {
    id: [base, setting, seed].filter(Boolean).join(' · '),
    base,
    uses,
    directory,
    manifest,
    labels: { run: setting, seed: String(manifest.seed) },
    name: [setting, seed].filter(Boolean).join(' · '),
    setting,
  };
}
