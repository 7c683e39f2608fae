import { useState } from 'preact/hooks';
import type { ModelClient } from '../model/model-client.ts';
import type { PatchEvent } from '../model/protocol.ts';
import { useCall } from '../model/use-call.ts';
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
  const { value: found, problem } = useCall(client, 'distribution', { step: patch.step, count: LISTED });
  const [temperature, setTemperature] = useState(asked);
  if (problem) return <Problem error={problem} />;
  if (!found) return <p class="quiet">Asking …</p>;
  const { texts, probabilities } = found;
  const [most = 1] = probabilities;
  const weightOf = (probability: number) => (probability / most) ** (1 / temperature);
  const total = probabilities.reduce((sum, probability) => sum + weightOf(probability), 0);
  const rows = texts.map((text, i) => {
    const probability = probabilities[i] as number;
    return { text, probability, chance: weightOf(probability) / total };
  });
  const scale = Math.max(...rows.map(({ probability, chance }) => Math.max(probability, chance)));
  return (
    <>
      <p>
        A discrete model draws nothing to know this: it gives each of its {formatCount(probabilities.length)}{' '}
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
