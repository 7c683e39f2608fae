import { useEffect, useState } from 'preact/hooks';
import type { ComparedRuns, LoggedLines, RunDetail } from '../../ui/facts.ts';
import { Problem } from '../parts/problem.tsx';
import { ask, pageOf, runPath, useAnswer } from './api.ts';
import { Table } from './blocks.tsx';
import { Curves, type Series } from './curves.tsx';
import { curveOf } from './stage-logs.ts';

/** Runs laid over one another: what differs, what was measured, their curves. */
export function CompareView({ names }: { readonly names: readonly string[] }) {
  const query = names.map((name) => `run=${encodeURIComponent(name)}`).join('&');
  const { value, problem } = useAnswer<ComparedRuns>(`api/compare?${query}`);
  return (
    <article class="run">
      <h1>
        {names.map((name, i) => (
          <span key={name}>
            {i > 0 && ', '}
            <a href={pageOf('run', name)}>{name}</a>
          </span>
        ))}
      </h1>
      {problem !== undefined && <Problem error={problem} />}
      {value && (
        <>
          {value.notes.map((note) => (
            <p class="note" key={note}>
              {note}
            </p>
          ))}
          <h2 class="part">What differs</h2>
          {value.differences.rows.length > 0 ? (
            <Table table={value.differences} />
          ) : (
            <p class="quiet">Nothing in their configurations.</p>
          )}
          <h2 class="part">Results</h2>
          <Table table={value.results} />
          {value.legend.length > 0 && <p class="note">{value.legend.join('; ')}</p>}
        </>
      )}
      <Overlaid names={names} />
    </article>
  );
}

interface Plot {
  readonly title: string;
  readonly series: Series[];
}

function Overlaid({ names }: { readonly names: readonly string[] }) {
  const [plots, setPlots] = useState<readonly Plot[]>([]);
  const key = names.join('\n');
  useEffect(() => {
    let isWanted = true;
    Promise.all(names.map(curvesOf)).then(
      (found) => isWanted && setPlots(laidOver(found.flat())),
      () => {},
    );
    return () => {
      isWanted = false;
    };
  }, [key]);
  return (
    <section class="plots" aria-label="Curves">
      {plots.map(({ title, series }) => (
        <Curves key={title} title={title} series={series} />
      ))}
    </section>
  );
}

/** A curve of one run, and the plot that it belongs to. */
interface RunCurve extends Series {
  readonly plot: string;
}

async function curvesOf(name: string): Promise<RunCurve[]> {
  const [detail, logged] = await Promise.all([
    ask<RunDetail>(runPath(name)),
    ask<readonly LoggedLines[]>(runPath(name, '/logged')),
  ]);
  return detail.stages.flatMap(({ id, curves }) => {
    const lines = logged.find(({ stage }) => stage === id)?.lines ?? [];
    return Object.entries(curves).map(([key, label]) => ({
      plot: `${id.replace(/@.*/s, '')}: ${label}`,
      name: id.includes('@') ? `${name}, ${id}` : name,
      ...curveOf(lines, key),
    }));
  });
}

function laidOver(curves: readonly RunCurve[]): Plot[] {
  const long = curves.filter(({ steps }) => steps.length > 1);
  return [...Map.groupBy(long, ({ plot }) => plot)].map(([title, series]) => ({ title, series }));
}
