/**
 * How probable a model finds each of several endings: by its likelihoods, or, of a model that gives samples
 * alone, patch by patch by the share of draws that are the patch that stands there.
 * C choices · P patches · K tokens a patch · N draws.
 */

import { elementAt } from '../../elements.ts';
import { disposeTree, intTensor, tf } from '../../engine/index.ts';
import type { PatchModel, Pause } from '../../models/index.ts';
import type { RandomStream } from '../../random.ts';
import { joinRows } from '../batches.ts';

/** What is found of an ending. */
export interface ScoredChoice {
  /** The logarithm of its probability; of shares, of (hits + ½)/(N + 1) for each patch. */
  readonly logProbability: number;
  /** Of each patch the draws that were it; absent where likelihoods are known. */
  readonly hits?: readonly number[];
}

/** A place where a patch (a token) of a choice is predicted. */
interface Place {
  readonly choice: number;
  /** The hidden state that predicts it. */
  readonly position: number;
  /** The tokens that stand there; fewer than K at the end of a choice. */
  readonly tokens: readonly number[];
}

/**
 * @param prompt token ids, a multiple of K
 * @param choices the ids of each ending, at least one
 * @param numDraws N, of a model without likelihoods
 */
export async function scoreChoices(
  model: PatchModel,
  prompt: Int32Array,
  choices: readonly (readonly number[])[],
  { numDraws, stream, pause }: { numDraws: number; stream: RandomStream; pause: Pause },
): Promise<ScoredChoice[]> {
  const { patchSize, config } = model;
  const longest = Math.max(...choices.map(({ length }) => Math.ceil(length / patchSize)));
  // The last patch is predicted and not read.
  const width = prompt.length + (longest - 1) * patchSize;
  const rows = choices.map((choice) => {
    const row = new Int32Array(width).fill(config.padTokenId ?? config.eosTokenId ?? 0);
    row.set(prompt);
    row.set(choice.slice(0, width - prompt.length), prompt.length);
    return row;
  });
  const places = placesOf(choices, patchSize, prompt.length / patchSize, width / patchSize);
  const ids = joinRows(rows);
  const hidden = await model.sequence.look(ids);
  const chosen = tf.tidy(() =>
    tf.gather(
      tf.reshape(hidden, [-1, config.hiddenSize]),
      intTensor(Int32Array.from(places, ({ position }) => position)) as tf.Tensor1D,
    ),
  );
  try {
    return model.likelihood
      ? await byLikelihood(model.likelihood, chosen, places, choices.length, pause)
      : await bySamples(model, chosen, places, choices.length, { numDraws, stream, pause });
  } finally {
    disposeTree({ ids, hidden, chosen });
  }
}

function placesOf(
  choices: readonly (readonly number[])[],
  patchSize: number,
  promptPatches: number,
  patches: number,
): Place[] {
  return choices.flatMap((ids, choice) =>
    Array.from({ length: Math.ceil(ids.length / patchSize) }, (_, patch) => ({
      choice,
      position: choice * patches + promptPatches - 1 + patch,
      tokens: ids.slice(patch * patchSize, (patch + 1) * patchSize),
    })),
  );
}

type Likelihood = NonNullable<PatchModel['likelihood']>;
type Hidden = Parameters<Likelihood['eachDistribution']>[0];

async function byLikelihood(
  likelihood: Likelihood,
  hidden: Hidden,
  places: readonly Place[],
  numChoices: number,
  pause: Pause,
): Promise<ScoredChoice[]> {
  const sums = new Array<number>(numChoices).fill(0);
  await likelihood.eachDistribution(
    hidden,
    (i, probabilities) => {
      const { choice, tokens } = elementAt(places, i);
      sums[choice] = elementAt(sums, choice) + Math.log(probabilities[elementAt(tokens, 0)] ?? 0);
    },
    pause,
  );
  return sums.map((logProbability) => ({ logProbability }));
}

async function bySamples(
  model: PatchModel,
  hidden: Hidden,
  places: readonly Place[],
  numChoices: number,
  { numDraws, stream, pause }: { numDraws: number; stream: RandomStream; pause: Pause },
): Promise<ScoredChoice[]> {
  const noise = model.drawNoise(stream, numDraws * places.length * model.noiseSize);
  const draws = await model.draw(hidden, noise, pause);
  const tokens = await draws.decodeAll();
  draws.dispose();
  const isHit = (draw: number, place: number) =>
    elementAt(places, place).tokens.every(
      (id, k) => id === tokens[(draw * places.length + place) * model.patchSize + k],
    );
  const found = Array.from({ length: numChoices }, () => ({ logProbability: 0, hits: [] as number[] }));
  for (const [i, { choice }] of places.entries()) {
    let hits = 0;
    for (let draw = 0; draw < numDraws; draw++) if (isHit(draw, i)) hits++;
    const own = elementAt(found, choice);
    own.hits.push(hits);
    own.logProbability += Math.log((hits + 0.5) / (numDraws + 1));
  }
  return found;
}
