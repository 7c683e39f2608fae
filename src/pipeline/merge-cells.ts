/**
 * The runs of a sweep as one graph, in one folder. Stages whose configuration, inputs and seed are the same
 * in several runs are one stage; the others are told
 * apart by the values that matter to them: `train-lm@flow`.
 */

import { fingerprint } from './fingerprint.ts';
import type { StageNode } from './graph.ts';
import type { Labels } from './matrix.ts';

/** The stages of one cell's run, by the ids that they have in the configuration. */
export interface CellStages {
  readonly labels: Labels;
  /** Id in the configuration → id in the run folder. */
  readonly ids: Readonly<Record<string, string>>;
}

/**
 * Makes one graph of the graphs of all cells: equal stages become one.
 * @param graphs of the cells, each sorted by need
 */
export function mergeCells(
  cells: readonly { readonly labels: Labels; readonly nodes: readonly StageNode[] }[],
): {
  nodes: StageNode[];
  cells: CellStages[];
} {
  const keyed = cells.map(({ nodes, ...cell }) => ({ ...cell, nodes, keys: keysOf(nodes) }));
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const id of new Set(keyed.flatMap(({ nodes }) => nodes.map((node) => node.id)))) {
    const own = keyed.flatMap(({ labels, keys }) =>
      keys[id] === undefined ? [] : [{ labels, key: keys[id] }],
    );
    const axes = axesThatMatter(own);
    for (const { labels, key } of own)
      if (!names.has(key))
        names.set(
          key,
          freshName(
            id,
            axes.map((axis) => labels[axis] ?? ''),
            taken,
          ),
        );
  }
  const merged = new Map<string, StageNode>();
  for (const { nodes, keys } of keyed) {
    const nameOf = (id: string) => names.get(keys[id] ?? '') as string;
    for (const node of nodes) {
      const inputs = Object.entries(node.inputs).map(
        ([port, source]) =>
          [port, source.type === 'stage' ? { ...source, id: nameOf(source.id) } : source] as const,
      );
      if (!merged.has(nameOf(node.id)))
        merged.set(nameOf(node.id), { ...node, id: nameOf(node.id), inputs: Object.fromEntries(inputs) });
    }
  }
  const stages = keyed.map(({ labels, nodes, keys }) => ({
    labels,
    ids: Object.fromEntries(nodes.map(({ id }) => [id, names.get(keys[id] ?? '') as string])),
  }));
  return { nodes: [...merged.values()], cells: stages };
}

/**
 * For each stage of one run what makes it what it is: the stage, its configuration and seed, and the same of
 * its inputs.
 */
function keysOf(nodes: readonly StageNode[]): Record<string, string> {
  const keys: Record<string, string> = {};
  for (const { id, stage, config, inputs, seed } of nodes) {
    const sources = Object.entries(inputs).map(([port, source]) => [
      port,
      source.type === 'stage' ? [keys[source.id], source.port] : source.directory,
    ]);
    const draws = stage.drawsNothing ? {} : { seed };
    keys[id] = fingerprint({ id, stage: stage.name, config, ...draws, sources: Object.fromEntries(sources) });
  }
  return keys;
}

/** The axes along which a stage changes while all others stay. */
function axesThatMatter(own: readonly { readonly labels: Labels; readonly key: string }[]): string[] {
  const axes = Object.keys(own[0]?.labels ?? {});
  return axes.filter((axis) => {
    const byOthers = new Map<string, string>();
    return own.some(({ labels, key }) => {
      const others = JSON.stringify({ ...labels, [axis]: undefined });
      const known = byOthers.get(others);
      byOthers.set(others, known ?? key);
      return known !== undefined && known !== key;
    });
  });
}

/** `train-lm@flow-4`: a folder's name. */
function freshName(id: string, labels: readonly string[], taken: Set<string>): string {
  const plain =
    labels.length === 0
      ? id
      : `${id}@${labels.map((label) => label.replace(/[^A-Za-z0-9._+-]+/g, '_')).join('-')}`;
  let name = plain;
  for (let n = 2; taken.has(name); n++) name = `${plain}~${n}`;
  taken.add(name);
  return name;
}
