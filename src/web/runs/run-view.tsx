import { useEffect, useRef, useState } from 'preact/hooks';
import type { LoggedLines, RunDetail, RunState, StageFacts } from '../../ui/facts.ts';
import { formatCount } from '../parts/numbers.ts';
import { Problem } from '../parts/problem.tsx';
import { ask, pageOf, runPath, useAnswer } from './api.ts';
import { Blocks } from './blocks.tsx';
import { StageCurves } from './stage-curves.tsx';
import { StageGraph } from './stage-graph.tsx';
import { addLines, type StageLog, type StageLogs } from './stage-logs.ts';

/** A run: its plan and how far it is, its curves and samples as they come, and what came of it. */
export function RunView({ name, allowsControl }: { readonly name: string; readonly allowsControl: boolean }) {
  const { state, logs, isLive } = useRun(name);
  // Results are read again whenever a stage ends.
  const done = state?.stages.filter((stage) => stage.state === 'done').length ?? 0;
  const { value: detail, problem } = useAnswer<RunDetail>(`${runPath(name)}?done=${done}`);
  const shown = state ?? detail;
  if (problem) return <Problem error={problem} />;
  if (!shown) return <p class="quiet">Reading the run …</p>;
  const trained = shown.stages.filter(({ id }) => (logs[id]?.lines.length ?? 0) > 0);
  return (
    <article class="run">
      <div class="row heading">
        <h1>{name}</h1>
        <p class="quiet" role="status">
          {shown.process
            ? `Process ${shown.process.pid} on ${shown.process.host} is at work.`
            : 'No process is at work.'}
          {!isLive && ' The page is not connected.'}
        </p>
        {allowsControl && <Control name={name} state={shown} />}
        {detail?.hasModel && (
          <a class="button" href={pageOf('play', name)}>
            Play with its model
          </a>
        )}
      </div>
      <StageGraph stages={shown.stages} />
      <Progress stages={shown.stages} />
      <section class="plots" aria-label="Curves">
        {trained.map((stage) => (
          <StageCurves
            key={stage.id}
            id={stage.id}
            curves={stage.curves}
            lines={logs[stage.id]?.lines ?? []}
          />
        ))}
      </section>
      <WhileTraining logs={logs} />
      {detail && <Blocks blocks={detail.blocks} />}
      {detail && detail.details.length > 0 && (
        <details class="file">
          <summary>All numbers, costs and settings</summary>
          <Blocks blocks={detail.details} />
        </details>
      )}
      {detail?.configuration && (
        <details class="file">
          <summary>Configuration, as it was last run</summary>
          <pre>{detail.configuration}</pre>
        </details>
      )}
      {trained.map(({ id }) => (
        <LastLines key={id} id={id} log={logs[id] as StageLog} />
      ))}
    </article>
  );
}

/** The state of a run and the logs of its stages, as they come. */
function useRun(name: string) {
  const [state, setState] = useState<RunState>();
  const [logs, setLogs] = useState<StageLogs>({});
  const [isLive, setIsLive] = useState(true);
  const current = useRef<StageLogs>({});
  useEffect(() => {
    const source = new EventSource(runPath(name, '/events'));
    source.onopen = () => setIsLive(true);
    source.onerror = () => setIsLive(false);
    source.addEventListener('state', ({ data }) => setState(JSON.parse(data) as RunState));
    source.addEventListener('lines', ({ data }) => {
      current.current = addLines(current.current, JSON.parse(data) as LoggedLines);
      setLogs(current.current);
    });
    return () => source.close();
  }, [name]);
  return { state, logs, isLive };
}

function Progress({ stages }: { readonly stages: readonly StageFacts[] }) {
  const working = stages.filter(({ state, progress }) => progress && ['at work', 'stopped'].includes(state));
  return (
    <>
      {working.map(({ id, state, progress }) => {
        const { step, steps, what, tokensPerSecond } = progress as NonNullable<StageFacts['progress']>;
        return (
          <div class="progress" key={id}>
            <p>
              <b>{id}</b> {state === 'stopped' && 'was stopped at '}
              {what ? `${what} ` : ''}
              {formatCount(step)}
              {steps !== undefined && ` of ${formatCount(steps)}`}
              {tokensPerSecond !== undefined && ` · ${formatCount(tokensPerSecond)} tokens/s`}
            </p>
            {steps !== undefined && <progress max={steps} value={step} aria-label={`Progress of ${id}`} />}
          </div>
        );
      })}
    </>
  );
}

/** Texts that were written while a model was trained, the last one first. */
function WhileTraining({ logs }: { readonly logs: StageLogs }) {
  const written = Object.entries(logs).flatMap(([stage, { texts }]) =>
    texts.map((text) => ({ stage, ...text })),
  );
  if (written.length === 0) return null;
  return (
    <section aria-labelledby="while-training">
      <h2 id="while-training">Samples while training</h2>
      <ol class="samples">
        {written
          .slice(-8)
          .reverse()
          .map(({ stage, step, prompt, text }) => (
            <li key={`${stage} ${step} ${prompt}`}>
              <span class="quiet">
                {stage}, step {formatCount(step)}
              </span>
              <p class="written-sample">
                <span class="quiet">{prompt}</span>
                {text}
              </p>
            </li>
          ))}
      </ol>
    </section>
  );
}

function LastLines({ id, log: { lines } }: { readonly id: string; readonly log: StageLog }) {
  const last = lines.slice(-12);
  const keys = [...new Set(last.flatMap((line) => Object.keys(line)))];
  return (
    <details class="file">
      <summary>
        Log of {id}: the last {last.length} of {lines.length} lines
      </summary>
      <div class="scroll">
        <table class="numbers">
          <thead>
            <tr>
              {keys.map((key) => (
                <th scope="col" key={key}>
                  {key}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {last.map((line, i) => (
              <tr key={i}>
                {keys.map((key) => (
                  <td key={key}>
                    {line[key] === undefined ? '' : String(Number((line[key] as number).toPrecision(5)))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** Stops a run that is at work here, or lets one go on. */
function Control({ name, state: { process, stages } }: { readonly name: string; readonly state: RunState }) {
  const [said, setSaid] = useState<unknown>();
  const isDone = stages.every(({ state }) => state === 'done');
  const tell = async (what: 'stop' | 'resume') => {
    setSaid(what === 'stop' ? 'It stops after this step.' : 'It is started.');
    await ask(runPath(name, `/${what}`), { method: 'POST', headers: { 'x-calm': 'page' } }).catch(setSaid);
  };
  const what = process ? 'stop' : 'resume';
  useEffect(() => setSaid(undefined), [what]);
  return (
    <div class="control">
      <button type="button" disabled={process ? !process.isHere : isDone} onClick={() => void tell(what)}>
        {process ? 'Stop' : 'Resume'}
      </button>
      <span role="status">{typeof said === 'string' ? said : ''}</span>
      {said instanceof Error && <Problem error={said} />}
    </div>
  );
}
