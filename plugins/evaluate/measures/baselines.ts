import { unigramReport } from 'calm-lm/evaluation';
import type { MeasureContext } from 'calm-lm/evaluation/measures';
import { type BrierOptions, scoreModel } from './brierlm.ts';

/**
 * BrierLM of the model as it was before its first step, and of a sampler that draws tokens by their
 * frequency.
 */
export async function scoreBaselines(context: MeasureContext<BrierOptions>) {
  const { model, tokens, seed, report } = context;
  report.progress({ step: 0, what: 'scoring the untrained model' });
  const first = model.untrained(seed);
  const untrained = await scoreModel(context, first);
  first.dispose();
  const unigram = await unigramReport(tokens, await context.heldOut(), model.patchSize, context);
  return { untrained, unigram };
}
