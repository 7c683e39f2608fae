/**
 * Sweeps: `matrix:` names keys of the configuration and their values, and every combination is a run.
 * merge-cells.ts makes one graph of all runs.
 */

import { z } from 'zod';
import { duplicateCell, matrixSyntax, type SourceLocation } from '../errors.ts';
import { asMap } from './short-form.ts';

const values = z.array(z.unknown()).nonempty();
const variants = z.record(z.string(), z.record(z.string(), z.unknown()));

export const matrixSchema = z
  .record(z.string(), z.union([values, variants]))
  .describe(
    'Sweeps. A key (train-lm.head) with a list of values, or a name with variants that set several keys ' +
      'each: {wide: {train-lm.hiddenSize: 256, …}, …}.',
  );

export type Matrix = z.infer<typeof matrixSchema>;

/** Axis → label of its value. */
export type Labels = Readonly<Record<string, string>>;

/** One combination: what it is called by, and the keys that it sets. */
export interface Cell {
  readonly labels: Labels;
  readonly settings: readonly (readonly [path: string, value: unknown])[];
}

/**
 * All combinations, in the order of the axes; the first axis changes slowest. Without a matrix there is one,
 * which sets nothing.
 */
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
      choices.map((choice) => ({
        labels: { ...before, [axis]: choice.label },
        settings: [...settings, ...choice.settings],
      })),
    );
  }
  return cells;
}

function labelOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** Plain data of a configuration, and the places of its keys. */
interface Settable {
  readonly data: Record<string, unknown>;
  readonly locate: (path: readonly PropertyKey[]) => SourceLocation;
}

/** The configuration of one cell: its keys set, the matrix gone; a stage that is set to null is left out. */
export function applyCell<Document extends Settable>(document: Document, { settings }: Cell): Document {
  const { matrix: _, ...data } = structuredClone(document.data);
  const stages = (data.stages ?? {}) as Record<string, unknown>;
  for (const [path, value] of settings) {
    const segments = path.split('.');
    const [first = ''] = segments;
    if (!(first in stages) && first !== 'seed' && first !== 'stages')
      throw matrixSyntax(document.locate(['matrix']), path, ['seed', ...Object.keys(stages)]);
    if (value === null && segments.length === 1) delete stages[first];
    else setAt(first in stages ? stages : data, segments, value);
  }
  return { ...document, data };
}

function setAt(
  target: Record<string, unknown>,
  [first = '', ...rest]: readonly string[],
  value: unknown,
): void {
  if (rest.length === 0) {
    target[first] = value;
    return;
  }
  const inner = { ...(asMap(target[first]) ?? { name: target[first] }) };
  target[first] = inner;
  setAt(inner, rest, value);
}
