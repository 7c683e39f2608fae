import { useState } from 'preact/hooks';
import type { RunLine } from '../../ui/facts.ts';
import { formatAge, formatBytes } from '../parts/numbers.ts';
import { Problem } from '../parts/problem.tsx';
import { pageOf, useAnswer } from './api.ts';

/** All runs, those that changed last first; some can be chosen to be compared. */
export function RunList() {
  const { value: runs, problem } = useAnswer<readonly RunLine[]>('api/runs', 3000);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  if (!runs) return problem ? <Problem error={problem} /> : <p class="quiet">Reading the runs …</p>;
  if (runs.length === 0)
    return (
      <p class="quiet">
        There is no run in this folder yet. <code>calm run</code> makes one.
      </p>
    );
  const there = chosen.filter((name) => runs.some((run) => run.name === name));
  const toggle = (name: string, isOn: boolean) =>
    setChosen(isOn ? [...there, name] : there.filter((other) => other !== name));
  return (
    <section class="run-list" aria-labelledby="runs-title">
      <div class="row heading">
        <h1 id="runs-title">Runs</h1>
        {there.length > 1 ? (
          <a class="button" href={pageOf('compare', ...there)}>
            Compare {there.length}
          </a>
        ) : (
          <p class="quiet">Choose two or more to compare them.</p>
        )}
      </div>
      {problem !== undefined && <Problem error={problem} />}
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">compare</span>
            </th>
            <th scope="col">run</th>
            <th scope="col">state</th>
            <th scope="col">result</th>
            <th scope="col">changed</th>
            <th scope="col">size</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <Line
              key={run.name}
              run={run}
              isChosen={there.includes(run.name)}
              onChoose={(isOn) => toggle(run.name, isOn)}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Line({
  run: { name, state, numDone, numStages, headline, problem, changedAt, bytes },
  isChosen,
  onChoose,
}: {
  readonly run: RunLine;
  readonly isChosen: boolean;
  readonly onChoose: (isOn: boolean) => void;
}) {
  const isCounted = state === 'at work' || state === 'unfinished';
  return (
    <tr>
      <td class="choice">
        <input
          type="checkbox"
          aria-label={`Compare ${name}`}
          checked={isChosen}
          onChange={({ currentTarget }) => onChoose(currentTarget.checked)}
        />
      </td>
      <th scope="row">
        <a href={pageOf('run', name)}>{name}</a>
      </th>
      <td>
        <State state={state} />
        {isCounted && (
          <span class="quiet">
            {' '}
            {numDone} of {numStages}
          </span>
        )}
      </td>
      <td class="headline-cell">
        {problem ??
          headline.map((one) => (
            <span key={one.name}>
              {one.name} <b>{one.value}</b>
            </span>
          ))}
      </td>
      <td class="quiet">{formatAge(Date.now() - changedAt)}</td>
      <td class="quiet">{formatBytes(bytes)}</td>
    </tr>
  );
}

/** A state in words, with a mark that shows it at a glance. */
export function State({ state }: { readonly state: string }) {
  return (
    <span class={`state ${state.replace(/ .*/, '')}`}>
      <span class="mark" aria-hidden="true" />
      {state}
    </span>
  );
}
