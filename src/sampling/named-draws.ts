/** Random numbers by their names: the same seed gives the same text wherever it is written. */

import type { PatchModel } from '../models/index.ts';
import { RandomStream } from '../random.ts';
import type { GenerateDraws } from './generate.ts';

/** Random numbers of one continuation. @param index of several with one seed */
export function namedDraws(model: PatchModel, seed: number, index: number): GenerateDraws {
  let choices = { step: -1, stream: new RandomStream(seed) };
  // A Transformer draws nothing else.
  const purpose = model.likelihood ? [] : ['choice'];
  return {
    noise: (step, size, block) =>
      model.drawNoise(new RandomStream(seed, 'sample', index, step, 'noise', block), size),
    // One row, whose numbers are asked for in order.
    choice: (step) => {
      if (choices.step !== step)
        choices = { step, stream: new RandomStream(seed, 'sample', index, step, ...purpose) };
      return choices.stream.nextUniform();
    },
  };
}
