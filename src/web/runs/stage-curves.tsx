import type { MetricsLine } from '../../ui/facts.ts';
import { Curves } from './curves.tsx';
import { curveOf } from './stage-logs.ts';

/** The curves of a stage, those of one kind in one plot: the loss as it is trained and on held-out text. */
export function StageCurves({
  id,
  curves,
  lines,
}: {
  readonly id: string;
  readonly curves: Readonly<Record<string, string>>;
  readonly lines: readonly MetricsLine[];
}) {
  const drawn = Object.entries(curves)
    .map(([key, label]) => ({ key, name: label, ...curveOf(lines, key) }))
    .filter(({ steps }) => steps.length > 0);
  if (drawn.every(({ steps }) => steps.length < 2)) return null;
  const groups = Map.groupBy(drawn, ({ key, name }) => name.replace(/,.*/s, '') || key);
  return (
    <>
      {[...groups].map(([title, series]) => (
        <Curves key={title} title={`${id}: ${title}`} series={series} />
      ))}
    </>
  );
}
