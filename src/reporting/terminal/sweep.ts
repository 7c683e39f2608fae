/** The end of a sweep: one table, a row a run. */

import type { CellStages, Labels } from '../../pipeline/index.ts';
import { type AnswerOptions, type EndedStage, nextLines, workOf } from './answer.ts';
import { formatMeasure, type Measured, measuredIn, nameOf } from './measures.ts';
import { formatTable } from './table.ts';
import { wrap } from './width.ts';

interface Row {
  readonly labels: Labels;
  readonly measures: ReadonlyMap<string, Measured>;
}

/** Only the axes and measures by which runs differ; below it, which run is the best, and what is the same in all. */
export function formatSweep(
  cells: readonly CellStages[],
  stages: readonly EndedStage[],
  { folder, next, columns }: AnswerOptions,
): string {
  const byId = new Map(stages.map((stage) => [stage.planned.node.id, stage]));
  const rows = cells.map(({ labels, ids }) => ({ labels, measures: measuresOf(Object.values(ids), byId) }));
  const axes = axesThatDiffer(rows);
  const names = [...new Set(rows.flatMap(({ measures }) => [...measures.keys()]))];
  const [same, different] = [names.filter(isSame), names.filter((name) => !isSame(name))];
  const titles = different.flatMap((name) =>
    rows
      .flatMap(({ measures }) => measures.get(name) ?? [])
      .slice(0, 1)
      .map(nameOf),
  );
  const table = formatTable(
    [...axes.map((axis) => shortName(axis, axes)), ...titles],
    rows.map(({ labels, measures }) => [
      ...axes.map((axis) => labels[axis] ?? ''),
      ...different.map((name) => shown(measures.get(name))),
    ]),
    columns,
  );
  const told = same.map((name) => `${name} ${shown(rows[0]?.measures.get(name))}`);
  return [
    wrap('✔ ', `${folder}: ${cells.length} runs, ${workOf(stages)}`, columns),
    '',
    table,
    '',
    ...bestOf(rows, axes, different, columns),
    ...(told.length ? [wrap('', `the same in all: ${told.join(', ')}`, columns)] : []),
    ...(names.length ? [''] : []),
    nextLines(next, columns),
  ].join('\n');

  function isSame(name: string): boolean {
    return new Set(rows.map(({ measures }) => measures.get(name)?.values[0])).size === 1;
  }
}

/** `hiddenSize` for `train-lm.hiddenSize`, where no other axis ends so. */
function shortName(axis: string, axes: readonly string[]): string {
  const last = (path: string) => path.split('.').at(-1) as string;
  return axes.filter((other) => last(other) === last(axis)).length > 1 ? axis : last(axis);
}

function measuresOf(ids: readonly string[], byId: ReadonlyMap<string, EndedStage>): Map<string, Measured> {
  const found = ids.flatMap((id) => {
    const stage = byId.get(id);
    const labels = stage?.planned.node.stage.labels?.() ?? {};
    return measuredIn(labels, stage?.result.metrics ?? {}, ({ isHeadline }) => isHeadline === true);
  });
  return new Map(found.map((measure) => [measure.label, measure]));
}

function axesThatDiffer(rows: readonly Row[]): string[] {
  return Object.keys(rows[0]?.labels ?? {}).filter(
    (axis) => new Set(rows.map(({ labels }) => labels[axis])).size > 1,
  );
}

function shown(measure: Measured | undefined): string {
  return measure ? formatMeasure(measure.values[0], measure.isShare) : '–';
}

/** best BrierLM: 6.321 with head flow. */
function bestOf(
  rows: readonly Row[],
  axes: readonly string[],
  names: readonly string[],
  columns: number,
): string[] {
  return names.flatMap((name) => {
    const having = rows.flatMap(({ labels, measures }) => {
      const measure = measures.get(name);
      return measure?.better && Number.isFinite(measure.values[0]) ? [{ labels, measure }] : [];
    });
    if (having.length === 0) return [];
    const { labels, measure } = having.reduce((best, row) => (isBetter(row, best) ? row : best));
    const where = axes.map((axis) => `${shortName(axis, axes)} ${labels[axis]}`).join(', ');
    return [wrap('', `best ${name}: ${shown(measure)} with ${where}`, columns)];
  });
}

function isBetter(one: { readonly measure: Measured }, other: { readonly measure: Measured }): boolean {
  const sign = one.measure.better === 'higher' ? 1 : -1;
  return sign * one.measure.values[0] > sign * other.measure.values[0];
}
