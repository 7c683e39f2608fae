/**
 * The measure `temperature`: accuracy and collisions of a model at several temperatures and numbers of
 * candidates.
 */

import { type Tensor, tf } from 'calm-lm/engine';
import {
  type ChoosePatches,
  commonLength,
  measureTemperature,
  noteFewer,
  windowsIn,
} from 'calm-lm/evaluation';
import type { MeasureContext } from 'calm-lm/evaluation/measures';
import { RandomStream } from 'calm-lm/random';
import { choose, DEFAULT_CANDIDATES } from 'calm-lm/sampling';
import type { TemperatureReport } from '../evaluation.ts';

interface Options {
  readonly temperatures: readonly number[];
  readonly windowsPerSequence: number;
  readonly candidateCounts?: readonly number[] | undefined;
}

type Context = MeasureContext<Options>;

/** One setting. */
interface Setting {
  readonly temperature: number;
  /** N; absent where the distribution is known and nothing is approximated. */
  readonly numCandidates?: number;
}

/** Accuracy and collisions at every temperature and number of candidates. */
export async function measureTemperatures(context: Context) {
  const { options, model, report, pause } = context;
  const { sequences } = await context.heldOut();
  const wanted = { key: 'windowsPerSequence', count: options.windowsPerSequence };
  noteFewer(wanted, windowsIn(commonLength(sequences), model.patchSize), 'windows a sequence', report);
  const temperature: TemperatureReport[] = [];
  for (const setting of settingsOf(context)) {
    const { temperature: at, numCandidates } = setting;
    const candidates = (numCandidates ?? 1) > 1 ? `, ${numCandidates} candidates` : '';
    report.progress({ step: 0, what: `measuring temperature ${Number(at.toPrecision(3))}${candidates}` });
    const chooser = numCandidates === undefined ? chooseTokens : chooseInPieces;
    const measured = await measureTemperature(
      model,
      sequences,
      options.windowsPerSequence,
      chooser(context, setting),
      { pause },
    );
    temperature.push({ ...setting, ...measured });
  }
  return { temperature };
}

function settingsOf({ model, options }: Context): Setting[] {
  const { temperatures, candidateCounts = [DEFAULT_CANDIDATES] } = options;
  if (model.likelihood) return temperatures.map((temperature) => ({ temperature }));
  return temperatures.flatMap((temperature) =>
    // One plain draw needs no candidates.
    (temperature === 1 ? [1] : candidateCounts).map((numCandidates) => ({ temperature, numCandidates })),
  );
}

/** One token for each hidden state, from its distribution. */
function chooseTokens({ model, seed, pause }: Context, { temperature }: Setting): ChoosePatches {
  return async (hidden, text, step) => {
    const stream = new RandomStream(seed, 'temperature', String(temperature), text, step);
    const uniforms = stream.uniforms(hidden.shape[0]);
    const draws = { noise: () => new Float32Array(), uniform: (row: number) => uniforms[row] as number };
    return (await choose(model, hidden, { temperature, pause }, draws)).patches;
  };
}

/** Candidates that are drawn at once: their activations are held. */
const CANDIDATES_AT_ONCE = 2 ** 16;

/** One patch for each hidden state, a piece of them at a time. */
function chooseInPieces(
  { model, seed, pause }: Context,
  { temperature, numCandidates = 1 }: Setting,
): ChoosePatches {
  const options = { temperature, numCandidates, pause };
  return async (hidden, text, step) => {
    const [count, size] = hidden.shape as [number, number];
    const length = Math.max(1, Math.floor(CANDIDATES_AT_ONCE / numCandidates));
    const patches: Int32Array[] = [];
    for (let first = 0; first < count; first += length) {
      await pause();
      const piece: Tensor = tf.slice(hidden, [first, 0], [Math.min(length, count - first), size]);
      const stream = (purpose: string) =>
        new RandomStream(seed, 'temperature', numCandidates, String(temperature), text, step, first, purpose);
      const uniforms = stream('choice').uniforms(piece.shape[0]);
      const draws = {
        noise: (wanted: number) => model.drawNoise(stream('noise'), wanted),
        uniform: (row: number) => uniforms[row] as number,
      };
      patches.push(...(await choose(model, piece, options, draws)).patches);
      piece.dispose();
    }
    return patches;
  };
}
