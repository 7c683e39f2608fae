import type { StageFacts } from '../../ui/facts.ts';
import { formatSeconds } from '../parts/numbers.ts';
import { State } from './run-list.tsx';

const [WIDTH, HEIGHT, GAP_X, GAP_Y] = [184, 62, 40, 14];

interface Placed {
  readonly stage: StageFacts;
  readonly column: number;
  readonly row: number;
}

/** The plan of a run: its stages, each to the right of what it takes. */
export function StageGraph({ stages }: { readonly stages: readonly StageFacts[] }) {
  const placed = place(stages);
  const columns = 1 + Math.max(...placed.map(({ column }) => column), 0);
  const rows = 1 + Math.max(...placed.map(({ row }) => row), 0);
  const [width, height] = [columns * (WIDTH + GAP_X) - GAP_X, rows * (HEIGHT + GAP_Y) - GAP_Y];
  const byId = new Map(placed.map((one) => [one.stage.id, one]));
  const lines = placed.flatMap((to) =>
    to.stage.takes.flatMap((id) => {
      const from = byId.get(id);
      return from ? [{ key: `${id} ${to.stage.id}`, from, to }] : [];
    }),
  );
  return (
    <section class="scroll graph-scroll" aria-label="Plan: the stages and what they take">
      <div class="graph" style={{ width: `${width}px`, height: `${height}px` }}>
        <svg width={width} height={height} aria-hidden="true">
          {lines.map(({ key, from, to }) => (
            <path key={key} d={lineBetween(from, to)} />
          ))}
        </svg>
        <ol>
          {placed.map(({ stage, column, row }) => (
            <li
              key={stage.id}
              class={`stage-box ${stage.state.replace(/ .*/, '')}`}
              style={{
                left: `${column * (WIDTH + GAP_X)}px`,
                top: `${row * (HEIGHT + GAP_Y)}px`,
                width: `${WIDTH}px`,
                height: `${HEIGHT}px`,
              }}
            >
              <b title={stage.id}>{stage.id}</b>
              <State state={stage.state} />
              <span class="quiet"> {stage.seconds === undefined ? '' : formatSeconds(stage.seconds)}</span>
              {stage.takes.length > 0 && <span class="hidden">takes {stage.takes.join(', ')}</span>}
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}

function place(stages: readonly StageFacts[]): Placed[] {
  const columns = new Map<string, number>();
  const rows = new Map<number, number>();
  return stages.map((stage) => {
    const column = Math.max(-1, ...stage.takes.map((id) => columns.get(id) ?? -1)) + 1;
    const row = rows.get(column) ?? 0;
    columns.set(stage.id, column);
    rows.set(column, row + 1);
    return { stage, column, row };
  });
}

function lineBetween(from: Placed, to: Placed): string {
  const x1 = from.column * (WIDTH + GAP_X) + WIDTH;
  const y1 = from.row * (HEIGHT + GAP_Y) + HEIGHT / 2;
  const x2 = to.column * (WIDTH + GAP_X);
  const y2 = to.row * (HEIGHT + GAP_Y) + HEIGHT / 2;
  const bend = GAP_X / 2;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
