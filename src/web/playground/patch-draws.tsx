import { useId, useMemo, useState } from 'preact/hooks';
import type { ModelClient } from '../model/model-client.ts';
import type { Draws, PatchEvent } from '../model/protocol.ts';
import { useCall } from '../model/use-call.ts';
import { formatShare, visible } from '../parts/numbers.ts';
import { Plane } from '../parts/plane.tsx';
import { principalPlane } from '../parts/principal-plane.ts';
import { Problem } from '../parts/problem.tsx';
import { type Choice, choiceAt } from './chances.ts';
import { Temperature } from './temperature.tsx';

/** Patches in the list, and those with colours in the plane. */
const [LISTED, COLOURED] = [9, 5];

/** What was drawn where a patch stands, and what a temperature makes of it. */
export function PatchDraws({
  client,
  patch,
  numDraws,
  temperature: asked,
  isExact,
}: {
  readonly client: ModelClient;
  readonly patch: PatchEvent;
  readonly numDraws: number;
  readonly temperature: number;
  readonly isExact: boolean;
}) {
  const { value: draws, problem } = useCall(client, 'draws', { step: patch.step, numDraws });
  const [temperature, setTemperature] = useState(asked);
  if (problem) return <Problem error={problem} />;
  if (!draws) return <p class="quiet">Drawing …</p>;
  const choice = choiceAt(draws, temperature);
  const written = draws.patches.findIndex(({ ids }) => ids.join() === patch.ids.join());
  return (
    <>
      <p>
        {draws.numDraws} draws gave {draws.patches.length} different patches.{' '}
        {isExact
          ? `The exact sampler looked at ${patch.draws} draws here${patch.isFallback ? ', ran out of them, and the batch approximation chose' : ''}.`
          : 'The draws stay; the slider changes which of them is chosen.'}
      </p>
      <Temperature value={temperature} onChange={setTemperature} label="Temperature of this choice" />
      <ChanceTable choice={choice} written={written} isExact={isExact} />
      <p class="note" role="status">
        {explain(choice)}
      </p>
      <DrawsInPlane draws={draws} choice={choice} chosen={isExact ? written : choice.chosen} />
    </>
  );
}

function ChanceTable({
  choice: { chances, chosen },
  written,
  isExact,
}: {
  readonly choice: Choice;
  readonly written: number;
  readonly isExact: boolean;
}) {
  const first = chances.slice(0, LISTED);
  const shown = [...first, ...chances.slice(LISTED).filter(({ index }) => [written, chosen].includes(index))];
  const rest = chances.filter((one) => !shown.includes(one));
  const mostDrawn = Math.max(...chances.map(({ count }) => count));
  const likeliest = Math.max(...chances.map(({ chance }) => chance));
  return (
    <table class="chances">
      <caption class="hidden">Patches that were drawn here</caption>
      <thead>
        <tr>
          <th scope="col">patch</th>
          <th scope="col">drawn</th>
          <th scope="col">chance at T</th>
        </tr>
      </thead>
      <tbody>
        {shown.map(({ index, text, count, chance }, place) => (
          <tr key={index} class={index === chosen && !isExact ? 'chosen' : ''}>
            <th scope="row">
              <span class={`dot group-${place < COLOURED ? place : 'none'}`} aria-hidden="true" />
              <span class="token">{visible(text)}</span>
              {index === written && <span class="tag">written</span>}
              {index === chosen && !isExact && <span class="tag strong">chosen</span>}
            </th>
            <td>
              <Bar share={count / mostDrawn} kind="drawn" />
              {count}
            </td>
            <td>
              <Bar share={chance / likeliest} kind="chance" />
              {formatShare(chance)}
            </td>
          </tr>
        ))}
        {rest.length > 0 && (
          <tr class="rest">
            <th scope="row">{rest.length} others</th>
            <td>{rest.reduce((sum, { count }) => sum + count, 0)}</td>
            <td>{formatShare(rest.reduce((sum, { chance }) => sum + chance, 0))}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

export function Bar({ share, kind }: { readonly share: number; readonly kind: 'drawn' | 'chance' }) {
  return (
    <svg class={`bar ${kind}`} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect width={100 * Math.min(1, share)} height={8} />
    </svg>
  );
}

function explain({ power: { whole, rest }, reached }: Choice): string {
  if (reached !== undefined)
    return reached === 1
      ? `No patch was drawn ${whole} times, so at this temperature any draw may be chosen. More candidates would help.`
      : `No patch was drawn ${whole} times; those drawn ${reached} times are chosen among. More candidates would help.`;
  if (whole === 1 && rest === 0) return 'At T = 1 a patch is as likely as the model draws it.';
  const n = rest === 0 ? `${whole}` : `between ${whole} and ${whole + 1}`;
  return `T = 1/n with n ${rest === 0 ? '= ' : ''}${n}: a patch is chosen as often as n draws in a row would all be it.`;
}

function DrawsInPlane({
  draws: { latents, patchOfDraw, numDraws },
  choice: { chances },
  chosen,
}: {
  readonly draws: Draws;
  readonly choice: Choice;
  readonly chosen: number;
}) {
  const id = useId();
  const { points, share } = useMemo(
    () => principalPlane(latents, latents.length / numDraws),
    [latents, numDraws],
  );
  const groups = new Map(chances.slice(0, COLOURED).map(({ index }, group) => [index, group]));
  const texts = new Map(chances.map(({ index, text }) => [index, visible(text)]));
  const shown = Array.from(patchOfDraw, (patch, draw) => ({
    x: points[2 * draw] as number,
    y: points[2 * draw + 1] as number,
    group: groups.get(patch),
    label: texts.get(patch) ?? '',
  }));
  return (
    <figure aria-describedby={id}>
      <Plane
        points={shown}
        title={`The ${numDraws} vectors that were drawn; colours show which of them become the same patch`}
        marked={patchOfDraw.indexOf(chosen)}
      />
      <figcaption id={id}>
        The {numDraws} vectors themselves, in the plane in which they differ most ({formatShare(share)} of
        their variance). Those of one colour are decoded to one patch, as in the table; the ring is the
        choice.
      </figcaption>
    </figure>
  );
}
