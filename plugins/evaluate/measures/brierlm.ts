import { type BrierReport, brierReport, scoreBrier } from 'calm-lm/evaluation';
import type { MeasureContext } from 'calm-lm/evaluation/measures';
import type { PatchModel } from 'calm-lm/models';
import { REFERENCE_BLOCKS } from '../protocols.ts';

export interface BrierOptions {
  readonly protocol: string;
  readonly numSamples: number;
  readonly stride?: number | undefined;
  readonly contextTokens?: number | undefined;
}

type Context = MeasureContext<BrierOptions>;

/** With exact collisions where the model has a likelihood, and from samples where not. */
export async function scoreAsTheModelAllows(context: Context) {
  const { model, report } = context;
  const how = model.likelihood ? ' with exact collisions' : '';
  report.progress({ step: 0, what: `scoring BrierLM${how}` });
  return { brierlm: await scoreModel(context, model) };
}

/** As for a model that only gives samples: what a CALM's score would be if it were this model. */
export async function scoreFromSamples(context: Context) {
  context.report.progress({ step: 0, what: 'scoring BrierLM from samples alone' });
  return { sampled: await scoreModel(context, context.model, true) };
}

export async function scoreModel(
  context: Context,
  model: PatchModel,
  fromSamples = false,
): Promise<BrierReport> {
  const { options, seed, report, pause } = context;
  const { protocol, stride, contextTokens } = options;
  const { sequences, documents } = await context.heldOut();
  const isReference = protocol in REFERENCE_BLOCKS;
  const numSamples = isReference ? 2 : options.numSamples;
  const batches = await scoreBrier(model, sequences, seed, {
    numSamples,
    fromSamples,
    sequencesPerBatch: isReference ? 1 : options.sequencesPerBatch,
    ...(stride ? { stride } : {}),
    ...(contextTokens ? { contextTokens } : {}),
    onBatch: (step) => report.progress({ step, steps: sequences.length }),
    pause,
  });
  const asked = { protocol: protocol === 'weighted' ? 'weighted' : 'reference', numSamples } as const;
  return { ...(await brierReport(batches, documents, asked, context)), protocol };
}
