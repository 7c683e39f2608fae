import { useEffect, useRef, useState } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatValue } from '../parts/numbers.ts';

export interface Series {
  readonly name: string;
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

const HEIGHT = 230;
const DASHES = [[], [6, 4], [2, 3], [8, 3, 2, 3], [1, 2]];

/** Curves over steps in one plot, which grow as numbers come. The last values stand below in words. */
export function Curves({ title, series }: { readonly title: string; readonly series: readonly Series[] }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const names = series.map(({ name }) => name).join('\n');
  const isDark = useIsDark();
  // A plot is made anew for other names and colours alone.
  useEffect(() => {
    const holder = place.current as HTMLDivElement;
    const made = new UPlot(optionsFor(holder, series), dataOf(series), holder);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: holder.clientWidth, height: HEIGHT }));
    observer.observe(holder);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [names, isDark]);
  useEffect(() => plot.current?.setData(dataOf(series)), [series]);
  return (
    <figure class="curves">
      <h2>{title}</h2>
      <div ref={place} class="plot" role="img" aria-label={`${title}: ${inWords(series)}`} />
      <figcaption>
        {series.map(({ name, values }, i) => (
          <span class="key" key={name}>
            <svg class={`line group-${i % DASHES.length}`} viewBox="0 0 24 6" aria-hidden="true">
              <line x1={0} y1={3} x2={24} y2={3} stroke-dasharray={DASHES[i % DASHES.length]?.join(' ')} />
            </svg>
            {name} <b>{formatValue(values.at(-1) ?? Number.NaN)}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function inWords(series: readonly Series[]): string {
  return series
    .map(({ name, steps, values }) => {
      const [first, last] = [values[0] ?? Number.NaN, values.at(-1) ?? Number.NaN];
      return `${name} from ${formatValue(first)} to ${formatValue(last)} at step ${steps.at(-1)}`;
    })
    .join('; ');
}

/** All series over the steps of all of them; a step that one lacks is bridged. */
function dataOf(series: readonly Series[]): UPlot.AlignedData {
  const steps = [...new Set(series.flatMap((one) => one.steps))].sort((a, b) => a - b);
  const columns = series.map((one) => {
    const values = new Map(one.steps.map((step, i) => [step, one.values[i] as number]));
    return steps.map((step) => values.get(step) ?? null);
  });
  return [steps, ...columns];
}

function optionsFor(holder: HTMLElement, series: readonly Series[]): UPlot.Options {
  const style = getComputedStyle(holder);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--rule'), width: 1 },
    ticks: { stroke: color('--rule'), width: 1, size: 4 },
    font: `12px ${color('--sans')}`,
  };
  return {
    width: holder.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    scales: { x: { time: false } },
    cursor: { y: false, points: { size: 5 } },
    axes: [
      { ...axis, space: 70 },
      { ...axis, size: 56, values: (_, ticks) => ticks.map(formatValue) },
    ],
    series: [
      {},
      ...series.map(
        ({ name }, i): UPlot.Series => ({
          label: name,
          stroke: color(`--group-${i % DASHES.length}`),
          width: 1.5,
          dash: DASHES[i % DASHES.length] as number[],
          spanGaps: true,
          points: { show: (_plot, _place, from, to) => to - from < 12 },
        }),
      ),
    ],
  };
}

function useIsDark(): boolean {
  const [isDark, setIsDark] = useState(DARK.matches);
  useEffect(() => {
    const onChange = () => setIsDark(DARK.matches);
    DARK.addEventListener('change', onChange);
    return () => DARK.removeEventListener('change', onChange);
  }, []);
  return isDark;
}

const DARK = matchMedia('(prefers-color-scheme: dark)');
