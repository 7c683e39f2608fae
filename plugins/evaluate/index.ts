import { autoencoderFolder, languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { allMeasures, labelsOf } from 'calm-lm/evaluation/measures';
import { defineStage, optional } from 'calm-lm/plugin';
import { checkHeadSampling, isTransformerAhead } from '../checks/model.ts';
import { checkSplit, patchSizeOf } from '../checks/splits.ts';
import { config } from './config.ts';
import { evaluation } from './evaluation.ts';
import { tokensAtOnce } from './lengths.ts';
import { chooseMeasures } from './needs.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'evaluate',
  summary:
    'Evaluates a run on held-out documents: reconstruction, BrierLM, perplexity, the energy loss, and more.',
  config,
  usesEngine: true,
  parts: ({ measures }) =>
    allMeasures().filter(({ name, isStandard }) => measures?.includes(name) ?? isStandard),
  // A run without a language model is evaluated by its autoencoder alone; a CALM has its own autoencoder
  // inside.
  inputs: {
    tokens: tokenShards,
    autoencoder: optional(autoencoderFolder),
    model: optional(languageModelFolder),
  },
  outputs: { evaluation },
  check: async (given, { tokens, autoencoder, model }) => {
    checkHeadSampling(given.headSampling, model);
    const patchSize = patchSizeOf(autoencoder);
    const isTransformer = isTransformerAhead(model);
    const sizeOfModel = isTransformer ? 1 : patchSize;
    if (isTransformer !== undefined)
      chooseMeasures(given, { isTransformer, hasAutoencoder: autoencoder !== undefined || !isTransformer });
    const wanted = model ? sizeOfModel && tokensAtOnce(given, sizeOfModel, isTransformer) : patchSize;
    checkSplit(tokens, 'validation', wanted);
  },
  questions: () =>
    allMeasures().map(({ name, summary, options, flags, insteadOf }) => ({
      name,
      summary,
      fields: {
        numSequences: undefined,
        ...Object.fromEntries(Object.keys(options).map((option) => [option, flags?.[option]])),
      },
      ...(insteadOf
        ? { insteadOf: { question: insteadOf.measure, flag: insteadOf.flag, summary: insteadOf.summary } }
        : {}),
    })),
  labels: () => labelsOf(allMeasures().flatMap(({ values }) => values)),
  run: async (context) => (await implementation()).run(context),
});
