/** The finished stages of a run, each by the settings that tell it from its siblings. */

import type { NonEmpty } from '../../elements.ts';
import type { Labels } from '../../pipeline/index.ts';
import type { Manifest, Run, RunStage } from '../../runs/index.ts';
import { groupBy } from './group.ts';
import { isSeed } from './rows.ts';

export interface Variant {
  readonly id: string;
  /** Its name in the configuration. */
  readonly base: string;
  readonly uses: string;
  readonly directory: string;
  readonly manifest: Manifest;
  /** The labels of the matrix that matter to it. */
  readonly labels: Labels;
  /** The labels in words; empty where the stage has one result only. */
  readonly name: string;
  /** The same without seeds. */
  readonly setting: string;
}

/** Finished stages that the last configuration has, in the order of the pipeline. */
export function variantsOf(run: Run): Variant[] {
  const isAlone = (stage: RunStage) => run.stages.filter(({ base }) => base === stage.base).length === 1;
  return run.stages.flatMap((stage): Variant[] => {
    const { id, base, uses, directory, manifest, isAsked } = stage;
    if (!manifest || (run.record && !isAsked)) return [];
    const labels = isAlone(stage) ? {} : labelsOf(run, id);
    const name =
      Object.values(labels).join(' · ') || (isAlone(stage) ? '' : id.split('@').slice(1).join('@'));
    const setting = Object.entries(labels).flatMap(([axis, label]) => (isSeed(axis) ? [] : [label]));
    const hasLabels = Object.keys(labels).length > 0;
    return [
      { id, base, uses, directory, manifest, labels, name, setting: hasLabels ? setting.join(' · ') : name },
    ];
  });
}

/** The labels on which all runs that share a stage agree, of the axes that differ anywhere. */
function labelsOf(run: Run, id: string): Labels {
  const sharing = run.cells.filter(({ ids }) => Object.values(ids).includes(id)).map(({ labels }) => labels);
  return Object.fromEntries(
    Object.entries(sharing[0] ?? {}).filter(([axis, label]) => {
      const differs = run.cells.some(({ labels }) => labels[axis] !== label);
      return differs && sharing.every((labels) => labels[axis] === label);
    }),
  );
}

/** Stages by their name in the configuration. */
export function byBase(variants: readonly Variant[]): Map<string, NonEmpty<Variant>> {
  return groupBy(variants, ({ base }) => base);
}

/** The results of each setting: one for each seed. */
export function bySetting(variants: readonly Variant[]): [setting: string, variants: NonEmpty<Variant>][] {
  return [...groupBy(variants, ({ setting }) => setting)];
}

/** What tells the settings of several results apart in a legend. */
export function settingTitle(variants: readonly Variant[]): string {
  const axes = new Set(variants.flatMap(({ labels }) => Object.keys(labels).filter((axis) => !isSeed(axis))));
  return [...axes].join(' · ') || 'setting';
}
