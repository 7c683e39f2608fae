import { z } from 'zod';
import { count } from '../shared/count.ts';
import { brierFields } from '../shared/evaluation-fields.ts';

export const MEASURES = ['perplexity', 'brierlm', 'sampled', 'unigram', 'temperature'] as const;

/** Windows of four tokens begin behind the context. */
const WINDOW = 4;

/** At least one window must fit into a sequence. */
function checkWindow(
  { tokensPerSequence, contextTokens }: { tokensPerSequence: number; contextTokens: number },
  issue: z.RefinementCtx,
): void {
  if (contextTokens + WINDOW <= tokensPerSequence) return;
  const most = tokensPerSequence - WINDOW;
  const message = `must be at most ${most}: a sequence of ${tokensPerSequence} tokens has a window of ${WINDOW} behind it`;
  issue.addIssue({ code: 'custom', message, path: ['contextTokens'] });
}

export const config = z
  .strictObject({
    measures: z
      .array(z.enum(MEASURES))
      .nonempty()
      .default(['perplexity', 'brierlm', 'unigram'])
      .describe(
        'perplexity: with cross-entropy and bits a byte. brierlm: with exact collisions. sampled: BrierLM from samples alone, as for any other model. unigram: BrierLM of a unigram sampler. temperature: accuracy and collisions at several temperatures.',
      ),
    ...brierFields,
    stride: count(1).describe('BrierLM is scored at every stride-th token; CALM is scored at every K-th.'),
    numSequences: count(32).describe('Held-out sequences, spread evenly over the validation split.'),
    tokensPerSequence: z.int().min(6).default(256).describe('Tokens a sequence; the first is context only.'),
    contextTokens: count(1).describe(
      'Tokens at the beginning of a sequence that are never scored; CALM never scores its first K.',
    ),
  })
  .superRefine(checkWindow);
