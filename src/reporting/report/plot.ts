/** Plots of a report, drawn by Vega-Lite into SVG: no browser, no network. */

import type { TopLevelSpec } from 'vega-lite';
import type { ReportPlot } from '../../pipeline/index.ts';
import { plotRows, type ReportRow, readValue } from './rows.ts';
import { correlations } from './statistics.ts';

export interface Point {
  readonly x: string | number;
  readonly y: number;
  readonly color?: string;
  readonly who: string;
  readonly low?: number;
  readonly high?: number;
}

const [OURS, PAPER] = ['ours', 'paper'];
const [WIDTH, HEIGHT] = [460, 260];

/** What is drawn: our values with their intervals, and the paper's where it has some. */
export function pointsOf(rows: readonly ReportRow[], plot: ReportPlot): Point[] {
  return plotRows(rows, plot).flatMap((row) => {
    const [x, y, color] = [
      readValue(row, plot.x),
      readValue(row, plot.y),
      plot.color === undefined ? undefined : readValue(row, plot.color),
    ];
    if ((typeof x !== 'string' && typeof x !== 'number') || typeof y !== 'number') return [];
    const interval = plot.interval === undefined ? undefined : readValue(row, plot.interval);
    const [low, high] = Array.isArray(interval) ? (interval as number[]) : [];
    const own: Point = {
      x,
      y,
      who: OURS,
      ...(color === undefined ? {} : { color: String(color) }),
      ...(low === undefined ? {} : { low, high }),
    };
    const published = paperNumber(plot, own);
    return published === undefined
      ? [own]
      : [own, { x, y: published, who: PAPER, ...(own.color === undefined ? {} : { color: own.color }) }];
  });
}

function paperNumber({ paper }: ReportPlot, { x, color }: Point): number | undefined {
  return paper?.[color === undefined ? String(x) : `${x} / ${color}`];
}

/** The plot as SVG; undefined where there is nothing to draw. */
export async function drawPlot(rows: readonly ReportRow[], plot: ReportPlot): Promise<string | undefined> {
  const points = pointsOf(rows, plot);
  if (points.length === 0) return undefined;
  const [{ compile }, vega] = await Promise.all([import('vega-lite'), import('vega')]);
  const view = new vega.View(vega.parse(compile(specOf(points, plot)).spec), { renderer: 'none' });
  return view.toSVG();
}

function specOf(points: readonly Point[], plot: ReportPlot): TopLevelSpec {
  const isNumeric = plot.kind !== 'bar' && points.every(({ x }) => Number.isFinite(Number(x)));
  const values = points.map((point) => (isNumeric ? { ...point, x: Number(point.x) } : point));
  const hasPaper = points.some(({ who }) => who === PAPER);
  const x = isNumeric
    ? ({
        field: 'x',
        type: 'quantitative',
        title: titleOf(plot.x),
        scale: { zero: false, type: spread(points) > 30 ? 'log' : 'linear' },
        axis: { format: '~s' },
      } as const)
    : ({
        field: 'x',
        type: 'nominal',
        sort: null,
        title: titleOf(plot.x),
        axis: { labelAngle: -30 },
      } as const);
  const color = plot.color
    ? ({ color: { field: 'color', type: 'nominal', sort: null, title: titleOf(plot.color) } } as const)
    : hasPaper
      ? ({ color: { field: 'who', type: 'nominal', sort: [OURS, PAPER], title: null } } as const)
      : {};
  const beside =
    plot.kind === 'bar' && hasPaper ? ({ xOffset: { field: 'who', sort: [OURS, PAPER] } } as const) : {};
  const y = {
    field: 'y',
    type: 'quantitative',
    title: titleOf(plot.y),
    scale: { zero: plot.kind === 'bar' },
  } as const;
  const mark =
    plot.kind === 'line'
      ? ({ type: 'line', point: true } as const)
      : plot.kind === 'point'
        ? ({ type: 'point', filled: true, size: 60 } as const)
        : ('bar' as const);
  const whiskers = points.some(({ low }) => low !== undefined)
    ? [
        {
          mark: { type: 'rule', color: '#333' } as const,
          transform: [{ filter: 'isValid(datum.low)' }],
          encoding: {
            x,
            ...beside,
            y: { field: 'low', type: 'quantitative' } as const,
            y2: { field: 'high' },
          },
        },
      ]
    : [];
  // A line goes through its points in the order that they come in.
  const order = plot.kind === 'line' ? { order: { value: null } as const } : {};
  return {
    title: { text: plot.title, anchor: 'start', fontSize: 13 },
    width: WIDTH,
    height: HEIGHT,
    data: { values: values as unknown as Record<string, unknown>[] },
    layer: [{ mark, encoding: { x, ...beside, y, ...color, ...order } }, ...whiskers],
    config: { background: 'white', font: 'sans-serif' },
  } as TopLevelSpec;
}

/** How many times the largest x is the smallest. */
function spread(points: readonly Point[]): number {
  const numbers = points.map(({ x }) => Number(x)).filter((x) => x > 0);
  return numbers.length === points.length ? Math.max(...numbers) / Math.min(...numbers) : 1;
}

/** `evaluate.brierlm.brierLM` as BrierLM; other names by their last part. */
export function titleOf(name: string | readonly string[]): string {
  const last = (typeof name === 'string' ? name : name[0]).split('.').at(-1) as string;
  return NAMES[last] ?? last;
}

const NAMES: Readonly<Record<string, string>> = {
  brierLM: 'BrierLM',
  brier: 'Brier-1 … 4',
  validationBrierLM: 'BrierLM',
  validationLoss: 'cross-entropy, nats a token',
  tokenAccuracy: 'tokens given back',
  trainingFlops: 'training FLOPs',
  inferenceFlopsPerToken: 'inference FLOPs a token',
  parameters: 'parameters',
  contextFreeLoss: 'energy loss, context-free',
  loss: 'energy loss',
  tokensPerSecond: 'tokens/s',
  meanStd: 'mean σ',
  crossEntropy: 'cross-entropy, nats a token',
};

/** Pearson and Spearman of x and y in words, where the plot asks for them. */
export function correlationOf(
  rows: readonly ReportRow[],
  plot: ReportPlot,
): { name: string; ours: string; paper: string }[] {
  if (!plot.correlation) return [];
  const points = pointsOf(rows, { ...plot, paper: undefined }).map(({ x, y }) => [Number(x), y] as const);
  const found = correlations(points);
  if (!found) return [];
  const row = (name: string, { value, interval: [low, high] }: typeof found.pearson) => ({
    name: `${name} (${points.length} points)`,
    ours: `${value.toFixed(3)} (95 %: ${low.toFixed(3)} … ${high.toFixed(3)})`,
    paper: plot.paper?.[name]?.toString() ?? '',
  });
  return [row('Pearson', found.pearson), row('Spearman', found.spearman)];
}
