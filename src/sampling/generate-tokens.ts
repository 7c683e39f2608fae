/** Generation token by token with the discrete baseline. */

import { disposeTree, intTensor, tf } from '../engine/index.ts';
import { inverseCdf, type SequenceState, type TransformerDecoder } from '../models/index.ts';
import { reweigh, type TokenChoice } from './token-choice.ts';

export interface GenerateTokensOptions extends TokenChoice {
  /** Tokens to make, at most. */
  readonly maxTokens: number;
  /** Ends the text. */
  readonly endOfTextId: number | null;
}

/**
 * Goes on from a prompt.
 * @param prompt token ids, at least one
 * @param uniform a number in [0, 1) for each step
 * @returns an iterator over token ids, the one that ends the text included
 */
export async function* generateTokens(
  decoder: TransformerDecoder,
  prompt: Int32Array,
  options: GenerateTokensOptions,
  uniform: (step: number) => number,
): AsyncGenerator<number> {
  let past: SequenceState | undefined;
  let fed = prompt;
  try {
    for (let step = 0; step < options.maxTokens; step++) {
      const ids = intTensor(fed, [1, fed.length]);
      const next = await decoder.sequence.feed(ids, past);
      const [, tokens, size] = next.hidden.shape as [number, number, number];
      const last = tf.tidy(() =>
        tf.reshape(tf.slice(next.hidden, [0, tokens - 1, 0], [1, 1, size]), [1, size]),
      );
      disposeTree({ ids, hidden: next.hidden, ...(past ? { past: past.cache } : {}) });
      past = next.state;
      let chosen = 0;
      await decoder.eachDistribution(last, (_, probabilities) => {
        chosen = inverseCdf(reweigh(probabilities, options))(uniform(step));
      });
      last.dispose();
      yield chosen;
      if (chosen === options.endOfTextId) return;
      fed = Int32Array.of(chosen);
    }
  } finally {
    if (past) disposeTree(past.cache);
  }
}
