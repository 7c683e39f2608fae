/**
 * A report of runs: what the configuration asks for, the paper's numbers beside ours, and what every run has
 * to show.
 * As one HTML page, or as Markdown with SVG files.
 */

import { join } from 'node:path';
import { elementAt } from '../../elements.ts';
import { noResults, reportInvalid } from '../../errors.ts';
import { type ReportConfig, type ReportPlot, reportConfig } from '../../pipeline/index.ts';
import type { Run } from '../../runs/index.ts';
import { comparedRuns } from '../compare/compared-run.ts';
import { compare } from '../compare/comparison.ts';
import { variantsOfColumns } from '../compare/variants.ts';
import type { Block, ReportFigure, ReportSection } from './blocks.ts';
import { checkKeys } from './check-keys.ts';
import { figureOf } from './figure.ts';
import { titleOf } from './names.ts';
import { pointsOf } from './points.ts';
import { labelOf, type ReportRow, rowsOf } from './rows.ts';
import { correlationOf, correlationTable, runTable } from './run-rows.ts';
import { comparisonBlocks } from './sections/comparison.ts';
import { configurationBlocks } from './sections/configuration.ts';
import { costBlocks } from './sections/cost.ts';
import { drawnBlocks } from './sections/drawn.ts';
import { headlineBlocks } from './sections/headline.ts';
import { notRun, provenanceBlocks, provenanceLine, stateNotes } from './sections/provenance.ts';
import { resultBlocks } from './sections/results.ts';
import { sampleBlocks } from './sections/samples.ts';
import { trainingBlocks } from './sections/training.ts';
import { type Variant, variantsOf } from './variants.ts';

/**
 * The section of one run or sweep.
 * @param stated the `report:` of the configuration; that of the last run where absent
 * @param isOneOfMany whether other runs are on the page: then most of this one is folded away
 */
export async function sectionOf(
  run: Run,
  stated = recordedReport(run),
  isOneOfMany = false,
): Promise<ReportSection> {
  const variants = variantsOf(run);
  if (variants.length === 0) throw noResults(run.folder.directory);
  const rows = rowsOf(run);
  const waiting = stated ? checkKeys(run, rows, stated) : [];
  const headline = headlineBlocks(variants);
  const rest = await standardBlocks(run, variants);
  const { figures, empty } = stated ? await askedFigures(rows, stated.plots) : { figures: [], empty: [] };
  const table = stated ? runTable(rows, stated) : { head: [], rows: [] };
  const isAsked = table.rows.length > 0 || figures.length > 0;
  const isFolded = isAsked || isOneOfMany;
  const details = isFolded ? [...(isAsked ? headline : []), ...rest] : [];
  const notes = [...stateNotes(run), ...waiting, ...empty];
  const blocks: Block[] = [
    ...textBlocks(stated),
    ...(notes.length ? [{ kind: 'notes', items: notes } as const] : []),
    ...(table.rows.length ? [{ kind: 'table', table } as const] : []),
    ...(figures.length ? [{ kind: 'figures', figures } as const] : []),
    ...(isAsked ? [] : headline),
    ...(isFolded ? [] : rest),
    provenanceLine(run, variants),
  ];
  return { title: stated?.title ?? run.name, blocks, details };
}

/** Several runs side by side: what differs, their results, their curves laid over each other. */
export async function comparisonSection(runs: readonly Run[]): Promise<ReportSection> {
  const comparison = compare(runs);
  const variants = variantsOfColumns(comparison.settings);
  const blocks = [
    ...(await comparisonBlocks(comparison)),
    ...(await trainingBlocks(variants)),
    ...(await drawnBlocks(variants)),
    ...sampleBlocks(variants),
  ];
  return { title: 'Comparison', blocks, details: [] };
}

/** What `calm run` was last told to report; undefined where it was told nothing. */
function recordedReport(run: Run): ReportConfig | undefined {
  if (run.record?.report === undefined || run.record.report === null) return undefined;
  const stated = reportConfig.safeParse(run.record.report);
  if (stated.success) return stated.data;
  const { path, message } = elementAt(stated.error.issues, 0);
  throw reportInvalid(join(run.folder.directory, 'run.json'), `report.${path.join('.')}: ${message}`);
}

function textBlocks(stated: ReportConfig | undefined): Block[] {
  return [
    ...(stated?.source ? [{ kind: 'fact', text: `The paper: ${stated.source}.` } as const] : []),
    ...(stated?.text?.trim() ? [{ kind: 'text', text: stated.text.trim() } as const] : []),
  ];
}

/** What every run has to show besides its headline, whatever its configuration says. */
async function standardBlocks(run: Run, variants: readonly Variant[]): Promise<Block[]> {
  const isSweep = comparedRuns([run]).length > 1;
  return [
    ...(isSweep ? await comparisonBlocks(compare([run])) : []),
    ...(await trainingBlocks(variants)),
    ...(await drawnBlocks(variants)),
    ...sampleBlocks(variants),
    ...resultBlocks(variants),
    ...costBlocks(variants),
    ...configurationBlocks(variants),
    ...provenanceBlocks(variants),
  ];
}

/** The plots that the configuration asks for. @returns also what is said of those that have no point */
async function askedFigures(
  rows: readonly ReportRow[],
  plots: readonly ReportPlot[],
): Promise<{ figures: ReportFigure[]; empty: string[] }> {
  const [figures, empty]: [ReportFigure[], string[]] = [[], []];
  for (const plot of plots) {
    const data = pointsOf(rows, plot);
    const figure = await figureOf(data, lookOf(rows, plot));
    if (figure) figures.push({ ...figure, table: correlationTable(rows, plot) });
    else if (data.notes.length) empty.push(`Not drawn: “${plot.title}”. ${data.notes.join(' ')}`);
  }
  return { figures, empty };
}

/** Axes are named as the stages name their values, or else by their paths. */
function lookOf(rows: readonly ReportRow[], { title, kind, x, y, color, rows: from }: ReportPlot) {
  const named = (name: string | readonly string[]) => labelOf(rows, name, from) ?? titleOf(name);
  const hasSteps = [x].flat().every((name) => name.split('.').at(-1) === 'step');
  return { title, kind, x: named(x), y: named(y), hasSteps, ...(color ? { color: named(color) } : {}) };
}

/** All values that the plots show, for scripts, and what has not been run. */
export function valuesOf(run: Run, stated = recordedReport(run)) {
  const rows = rowsOf(run);
  const plots = (stated?.plots ?? []).map((plot) => {
    const { points, notes } = pointsOf(rows, plot);
    return { title: plot.title, points, notes, correlation: correlationOf(rows, plot) };
  });
  return { plots, notRun: notRun(run) };
}
