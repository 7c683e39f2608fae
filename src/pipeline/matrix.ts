/**
 * Sweeps: `matrix:` names keys of the configuration and their values, and every combination is a run. All runs live in one folder; stages whose configuration,
 * inputs and seed are the same in several runs are one stage, and the others are told apart by the values that matter to them: `train-lm@flow`.
 */

import { z } from 'zod';
import { duplicateCell, matrixSyntax } from '../errors.ts';
import type { ConfigDocument, RunConfig } from './config.ts';
import { fingerprint } from './fingerprint.ts';
import type { StageNode } from './graph.ts';

const values = z.array(z.unknown()).nonempty();
const variants = z.record(z.string(), z.record(z.string(), z.unknown()));

export const matrixSchema = z
  .record(z.string(), z.union([values, variants]))
  .describe('Sweeps. A key (train-lm.head) with a list of values, or a name with variants that set several keys each: {wide: {train-lm.hiddenSize: 256, …}, …}.');

export type Matrix = z.infer<typeof matrixSchema>;

/** Axis → label of its value. */
export type Labels = Readonly<Record<string, string>>;

/** One combination: what it is called by, and the keys that it sets. */
export interface Cell {
  readonly labels: Labels;
  readonly settings: readonly (readonly [path: string, value: unknown])[];
}

/** All combinations, in the order of the axes; the first axis changes slowest. Without a matrix there is one, which sets nothing. */
export function cellsOf(matrix: Matrix | undefined): Cell[] {
  let cells: Cell[] = [{ labels: {}, settings: [] }];
  for (const [axis, given] of Object.entries(matrix ?? {})) {
    const choices = Array.isArray(given)
      ? given.map((value) => ({ label: labelOf(value), settings: [[axis, value] as const] }))
      : Object.entries(given).map(([label, settings]) => ({ label, settings: Object.entries(settings) }));
    const labels = choices.map(({ label }) => label);
    const twice = labels.find((label, i) => labels.indexOf(label) !== i);
    if (twice !== undefined) throw duplicateCell(axis, twice);
    cells = cells.flatMap(({ labels: before, settings }) =>
      choices.map((choice) => ({ labels: { ...before, [axis]: choice.label }, settings: [...settings, ...choice.settings] })),
    );
  }
  return cells;
}

function labelOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** The configuration of one cell: its keys set, the matrix gone. Keys of stages may be given without `stages.`. */
export function applyCell(document: ConfigDocument, { settings }: Cell): ConfigDocument {
  const { matrix: _, ...data } = structuredClone(document.data);
  const stages = (data.stages ?? {}) as Record<string, unknown>;
  for (const [path, value] of settings) {
    const segments = path.split('.');
    const [first] = segments;
    if (!(first in stages) && first !== 'seed' && first !== 'stages') throw matrixSyntax(document.locate(['matrix']), path, ['seed', ...Object.keys(stages)]);
    setAt(first in stages ? stages : data, segments, value);
  }
  return { ...document, data };
}

function setAt(target: Record<string, unknown>, [first, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    target[first] = value;
    return;
  }
  target[first] = { ...(target[first] as object | undefined) };
  setAt(target[first] as Record<string, unknown>, rest, value);
}

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
export function mergeCells(cells: readonly { readonly labels: Labels; readonly config: RunConfig; readonly nodes: readonly StageNode[] }[]): {
  nodes: StageNode[];
  cells: CellStages[];
} {
  const keyed = cells.map(({ nodes, ...cell }) => ({ ...cell, nodes, keys: keysOf(nodes) }));
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const id of new Set(keyed.flatMap(({ nodes }) => nodes.map((node) => node.id)))) {
    const own = keyed.flatMap(({ labels, keys }) => (keys[id] === undefined ? [] : [{ labels, key: keys[id] }]));
    const axes = axesThatMatter(own);
    for (const { labels, key } of own) if (!names.has(key)) names.set(key, freshName(id, axes.map((axis) => labels[axis]), taken));
  }
  const merged = new Map<string, StageNode>();
  for (const { nodes, keys } of keyed) {
    const nameOf = (id: string) => names.get(keys[id]) as string;
    for (const node of nodes) {
      const inputs = Object.entries(node.inputs).map(([port, source]) => [port, source.type === 'stage' ? { ...source, id: nameOf(source.id) } : source] as const);
      if (!merged.has(nameOf(node.id))) merged.set(nameOf(node.id), { ...node, id: nameOf(node.id), inputs: Object.fromEntries(inputs) });
    }
  }
  const stages = keyed.map(({ labels, nodes, keys }) => ({ labels, ids: Object.fromEntries(nodes.map(({ id }) => [id, names.get(keys[id]) as string])) }));
  return { nodes: [...merged.values()], cells: stages };
}

/** For each stage of one run what makes it what it is: the stage, its configuration and seed, and the same of its inputs. */
function keysOf(nodes: readonly StageNode[]): Record<string, string> {
  const keys: Record<string, string> = {};
  for (const { id, stage, config, inputs, seed } of nodes) {
    const sources = Object.entries(inputs).map(([port, source]) => [port, source.type === 'stage' ? [keys[source.id], source.port] : source.directory]);
    keys[id] = fingerprint({ id, stage: stage.name, config, seed, sources: Object.fromEntries(sources) });
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
  const plain = labels.length === 0 ? id : `${id}@${labels.map((label) => label.replace(/[^A-Za-z0-9._+-]+/g, '_')).join('-')}`;
  let name = plain;
  for (let n = 2; taken.has(name); n++) name = `${plain}~${n}`;
  taken.add(name);
  return name;
}
