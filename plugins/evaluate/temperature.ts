/** The measure `temperature`: accuracy and collisions of a CALM at several temperatures and numbers of candidates. */

import { type Tensor, tf } from 'calm-lm/engine';
import { measureTemperature, type Pause } from 'calm-lm/evaluation';
import type { PatchDecoder } from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { choose } from 'calm-lm/sampling';
import type { TemperatureReport } from '../shared/evaluations.ts';
import { type HeldOut, noteFewerWindows } from '../shared/held-out.ts';
import { pauseFor } from '../shared/pause.ts';
import type { Context } from './context.ts';

/** Accuracy and collisions at every temperature and number of candidates. */
export async function measureTemperatures(
  context: Context,
  decoder: PatchDecoder,
  { sequences }: HeldOut,
): Promise<TemperatureReport[]> {
  const { config, seed, report } = context;
  const pause = pauseFor(context.signal);
  noteFewerWindows(config.windowsPerSequence, sequences[0].length, decoder.patchSize, report);
  const found: TemperatureReport[] = [];
  for (const temperature of config.temperatures) {
    // One plain draw needs no candidates.
    for (const numCandidates of temperature === 1 ? [1] : config.candidateCounts) {
      report.note(`measuring temperature ${temperature.toPrecision(3)}, ${numCandidates} candidates`);
      const choosing = { decoder, seed, temperature, numCandidates, pause };
      const measured = await measureTemperature(
        decoder,
        sequences,
        config.windowsPerSequence,
        (hidden, text, step) => chooseInPieces(choosing, hidden, [text, step]),
        { pause },
      );
      found.push({ temperature, numCandidates, ...measured });
    }
  }
  return found;
}

/** Candidates that are drawn at once: their activations are held. */
const CANDIDATES_AT_ONCE = 2 ** 16;

interface Choosing {
  readonly decoder: PatchDecoder;
  readonly seed: number;
  readonly temperature: number;
  readonly numCandidates: number;
  readonly pause: Pause;
}

/** One patch for each hidden state, a piece of them at a time. */
async function chooseInPieces(
  { decoder, seed, temperature, numCandidates, pause }: Choosing,
  hidden: Tensor,
  labels: readonly number[],
): Promise<Int32Array[]> {
  const [count, size] = hidden.shape as [number, number];
  const length = Math.max(1, Math.floor(CANDIDATES_AT_ONCE / numCandidates));
  const options = { temperature, numCandidates, pause };
  const patches: Int32Array[] = [];
  for (let first = 0; first < count; first += length) {
    await pause();
    const piece = tf.slice(hidden, [first, 0], [Math.min(length, count - first), size]);
    const stream = (purpose: string) =>
      new RandomStream(seed, 'temperature', numCandidates, String(temperature), ...labels, first, purpose);
    const uniforms = stream('choice').uniforms(piece.shape[0]);
    const draws = {
      noise: (wanted: number) => decoder.drawNoise(stream('noise'), wanted),
      uniform: (row: number) => uniforms[row],
    };
    patches.push(...(await choose(decoder, piece, options, draws)).patches);
    piece.dispose();
  }
  return patches;
}
