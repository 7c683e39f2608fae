import { useEffect, useState } from 'preact/hooks';
import type { ModelClient } from '../model/model-client.ts';
import type { Distribution, PatchEvent } from '../model/protocol.ts';
import { formatCount, formatShare, visible } from '../parts/numbers.ts';
import { Problem } from '../parts/problem.tsx';
import { Bar } from './patch-draws.tsx';
import { Temperature } from './temperature.tsx';

const LISTED = 12;

/** What a discrete model knows at a place: a probability for each token. */
export function TokenChances({
  client,
  patch,
  temperature: asked,
}: {
  readonly client: ModelClient;
  readonly patch: PatchEvent;
  readonly temperature: number;
}) {
  const [found, setFound] = useState<Distribution>();
  const [problem, setProblem] = useState<unknown>();
  const [temperature, setTemperature] = useState(asked);
  useEffect(() => {
    let isWanted = true;
    client.ask('distribution', { step: patch.step, count: client.facts.vocabSize }).then(
      (answer) => isWanted && setFound(answer),
      (error) => isWanted && setProblem(error),
    );
    return () => {
      isWanted = false;
    };
  }, [client, patch]);
  if (problem) return <Problem error={problem} />;
  if (!found) return <p class="quiet">Asking …</p>;
  const most = found.tokens[0]?.probability ?? 1;
  const weights = found.tokens.map(({ probability }) => (probability / most) ** (1 / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const rows = found.tokens.slice(0, LISTED).map(({ text, probability }, i) => ({
    text,
    probability,
    chance: (weights[i] as number) / total,
  }));
  const scale = Math.max(...rows.map(({ probability, chance }) => Math.max(probability, chance)));
  return (
    <>
      <p>
        A discrete model draws nothing to know this: it gives each of its {formatCount(found.numTokens)}{' '}
        tokens a probability, which the temperature reweighs.
      </p>
      <Temperature value={temperature} onChange={setTemperature} label="Temperature of this choice" />
      <table class="chances">
        <caption class="hidden">The likeliest tokens here</caption>
        <thead>
          <tr>
            <th scope="col">token</th>
            <th scope="col">probability</th>
            <th scope="col">chance at T</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ text, probability, chance }, i) => (
            <tr key={i}>
              <th scope="row">
                <span class="token">{visible(text)}</span>
              </th>
              <td>
                <Bar share={probability / scale} kind="drawn" />
                {formatShare(probability)}
              </td>
              <td>
                <Bar share={chance / scale} kind="chance" />
                {formatShare(chance)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
