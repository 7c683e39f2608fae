import { useId } from 'preact/hooks';

export interface PlanePoint {
  readonly x: number;
  readonly y: number;
  /** Its colour, from 0; none for the rest. */
  readonly group?: number | undefined;
  readonly label: string;
}

const [WIDTH, HEIGHT, MARGIN] = [360, 260, 14];

/** Points in a plane, the coloured ones on top. */
export function Plane({
  points,
  title,
  marked,
}: {
  readonly points: readonly PlanePoint[];
  /** What it shows, for those who do not see it. */
  readonly title: string;
  /** The index of a point that is ringed. */
  readonly marked?: number | undefined;
}) {
  const id = useId();
  const toX = scale(
    points.map(({ x }) => x),
    MARGIN,
    WIDTH - MARGIN,
  );
  const toY = scale(
    points.map(({ y }) => y),
    HEIGHT - MARGIN,
    MARGIN,
  );
  const order = [...points.keys()].sort((a, b) => rank(points[a]) - rank(points[b]));
  return (
    <svg class="plane" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby={id}>
      <title id={id}>{title}</title>
      {order.map((i) => {
        const point = points[i] as PlanePoint;
        return (
          <circle
            key={i}
            cx={toX(point.x).toFixed(1)}
            cy={toY(point.y).toFixed(1)}
            r={point.group === undefined ? 2.2 : 3.4}
            class={point.group === undefined ? 'rest' : `group-${point.group}`}
          >
            <title>{point.label}</title>
          </circle>
        );
      })}
      {marked !== undefined && points[marked] && (
        <circle class="mark" cx={toX(points[marked].x)} cy={toY(points[marked].y)} r={7} />
      )}
    </svg>
  );
}

const rank = (point: PlanePoint | undefined) => (point?.group === undefined ? 0 : 9 - point.group);

function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const width = high - low || 1;
  return (value) => from + ((value - low) / width) * (to - from);
}
