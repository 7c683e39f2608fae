/** Plots of a report, drawn by Vega-Lite into SVG: no browser, no network. */

import { extent } from 'simple-statistics';
import type { TopLevelSpec } from 'vega-lite';
import { formatNumber } from '../format.ts';
import { isWide, type Look, xAxis, yAxis } from './axes.ts';
import { clean, toHtml } from './escape.ts';
import { groupBy } from './group.ts';
import type { Point } from './measured.ts';

const [WIDTH, HEIGHT] = [310, 210];
const TITLE_LETTERS = 34;
/** Lines of more points than this are drawn without dots. */
const DOTTED = 100;
/** Colours that can be told apart, also by the colour-blind, on white and on black. */
const COLORS = [
  '#4269d0',
  '#efb118',
  '#ff725c',
  '#6cc5b0',
  '#3ca951',
  '#ff8ab7',
  '#a463f2',
  '#97bbf5',
  '#9c6b4e',
  '#9498a0',
];
/** The page's own colour, light or dark. */
const INK = 'currentColor';

/** Points as SVG with its alternative text. There must be at least one. */
export async function drawPoints(points: readonly Point[], look: Look): Promise<string> {
  const [{ compile }, vega] = await Promise.all([import('vega-lite'), import('vega')]);
  const view = new vega.View(vega.parse(compile(specOf(points, look)).spec), { renderer: 'none' });
  return withAlternative(await view.toSVG(), alternativeOf(points, look));
}

function withAlternative(svg: string, text: string): string {
  const label = toHtml(text);
  return svg.replace(
    /^<svg ([^>]*)>/,
    (_, attributes) => `<svg role="img" aria-label="${label}" ${attributes}><title>${label}</title>`,
  );
}

function alternativeOf(points: readonly Point[], { title, x, y, color }: Look): string {
  const ours = points.filter(({ who }) => who === 'ours');
  const rangeOf = (some: readonly Point[]) =>
    extent(some.map((point) => point.y))
      .map(formatNumber)
      .join(' to ');
  const series = color === undefined ? [] : [...groupBy(ours, (point) => point.color)];
  const each = series.length < 2 ? [] : series.map(([name, some]) => `; ${name}: ${rangeOf(some)}`);
  const over = x ? `${y} over ${x}` : y;
  const count = `${ours.length} ${ours.length === 1 ? 'point' : 'points'}`;
  return clean(`${title}: ${over}, ${count}, ${rangeOf(ours)}${each.join('')}`);
}

/** What a mark says of itself. */
function describe({ x, y, color, who, runs, low, high }: Point, look: Look): string {
  const place = `${look.x}: ${x}${color === undefined ? '' : `; ${look.color ? `${look.color}: ` : ''}${color}`}`;
  const range =
    low === undefined || high === undefined ? '' : `, ${formatNumber(low)} … ${formatNumber(high)}`;
  const kind =
    who === 'paper' ? '; the paper' : runs ? ` (mean of ${runs}${range})` : range && ` (${range.slice(2)})`;
  return clean(`${place}; ${look.y}: ${formatNumber(y)}${kind}`);
}

function specOf(points: readonly Point[], look: Look): TopLevelSpec {
  const isLogY = !look.isSignedLog && isWide(points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]));
  // A bar begins at zero, which a logarithmic axis does not have.
  const kind = look.kind === 'bar' && isLogY ? 'point' : look.kind;
  const isNumeric = look.kind !== 'bar' && points.every(({ x }) => x !== '' && Number.isFinite(Number(x)));
  const values = points.map((point) => ({
    ...point,
    x: isNumeric ? Number(point.x) : clean(String(point.x)),
    ...(point.color === undefined ? {} : { color: clean(point.color) }),
    description: describe(point, look),
  }));
  const hasPaper = points.some(({ who }) => who === 'paper');
  const layers = layersOf(look, kind, {
    x: xAxis(points, look, isNumeric),
    y: yAxis(points, look, kind, isLogY),
    numPoints: points.length,
  });
  return {
    title: { text: inLines(clean(look.title)), anchor: 'start', fontSize: 13, offset: 10, color: INK },
    width: WIDTH,
    height: HEIGHT,
    data: { values: values as unknown as Record<string, unknown>[] },
    layer: [layers.ours, layers.whiskers, ...(hasPaper ? [layers.paper] : [])],
    config: CONFIG,
  } as TopLevelSpec;
}

/** A title that is wider than its plot would make it small. */
function inLines(title: string): string[] {
  const lines: string[] = [];
  for (const word of title.split(' ')) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length && longer.length <= TITLE_LETTERS) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function layersOf(
  look: Look,
  kind: Look['kind'],
  { x, y, numPoints }: { x: object; y: object; numPoints: number },
) {
  const color =
    look.color !== undefined
      ? {
          color: {
            field: 'color',
            type: 'nominal',
            sort: null,
            title: clean(look.color) || null,
            ...(look.colors ? { scale: { domain: look.colors.map(clean) } } : {}),
          },
        }
      : {};
  // Bars of one x stand side by side, and are never laid on top of each other.
  const isBeside = look.kind === 'bar' && look.color !== undefined;
  const beside = isBeside ? { xOffset: { field: 'color', sort: null } } : {};
  const description = { description: { field: 'description' } };
  const place = { x, ...beside };
  const tint = kind === 'bar' ? {} : color;
  return {
    ours: {
      transform: [{ filter: 'datum.who === "ours"' }],
      mark: numPoints > DOTTED && kind === 'line' ? 'line' : MARKS[kind],
      // A line goes through its points in the order that they come in.
      encoding: {
        ...place,
        y,
        ...color,
        ...description,
        ...(kind === 'line' ? { order: { value: null } } : {}),
      },
    },
    whiskers: {
      transform: [{ filter: 'datum.who === "ours" && isValid(datum.low)' }],
      mark: { type: 'rule', color: INK, opacity: 0.7 },
      encoding: { ...place, y: { ...y, field: 'low' }, y2: { field: 'high' }, ...tint, ...description },
    },
    paper: {
      transform: [{ filter: 'datum.who === "paper"' }],
      mark: { type: 'point', shape: 'diamond', filled: false, size: 90, strokeWidth: 2, color: INK },
      encoding: { ...place, y, ...(isBeside ? {} : color), ...description },
    },
  };
}

const MARKS = {
  bar: { type: 'bar' },
  line: { type: 'line', point: true },
  point: { type: 'point', filled: true, size: 60 },
} as const;

const AXIS = {
  labelColor: INK,
  titleColor: INK,
  domainColor: INK,
  tickColor: INK,
  titleFontWeight: 'normal',
};
const CONFIG = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  axis: {
    ...AXIS,
    gridColor: INK,
    gridOpacity: 0.15,
    labelFontSize: 11,
    titleFontSize: 12,
    titleLimit: WIDTH,
  },
  // Above the axis, where there is room for a name.
  axisY: {
    titleLimit: 1.5 * WIDTH,
    titleAngle: 0,
    titleAlign: 'left',
    titleAnchor: 'end',
    titleX: 0,
    titleY: -8,
    titleBaseline: 'bottom',
  },
  legend: {
    orient: 'bottom',
    columns: 2,
    labelColor: INK,
    titleColor: INK,
    labelLimit: 150,
    titleLimit: WIDTH,
    symbolLimit: 40,
  },
  range: { category: COLORS },
  bar: { color: COLORS[0] },
  point: { color: COLORS[0] },
  line: { color: COLORS[0] },
};
