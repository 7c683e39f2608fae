import { z } from 'zod';
import { count } from '../shared/count.ts';
import { brierFields, calmProtocolField } from '../shared/evaluation-fields.ts';
import { headSamplingField } from '../shared/head-sampling.ts';

export const MEASURES = ['reconstruction', 'brierlm', 'energy', 'baselines', 'temperature'] as const;

export const config = z.strictObject({
  measures: z
    .array(z.enum(MEASURES))
    .nonempty()
    .default(['reconstruction', 'brierlm', 'energy', 'baselines'])
    .describe(
      'reconstruction: of the autoencoder. brierlm: of the model. energy: the energy loss of its samples beside that of a context-free predictor. baselines: BrierLM of the untrained model and of a unigram sampler. temperature: accuracy and collisions at several temperatures.',
    ),
  ...brierFields,
  protocol: calmProtocolField,
  candidateCounts: z
    .array(z.int().min(2))
    .nonempty()
    .default([200])
    .describe('N of the measure `temperature`, one after the other.'),
  headSampling: headSamplingField,
  numSequences: count(32).describe('Held-out sequences, spread evenly over the validation split.'),
  patchesPerSequence: z.int().min(6).default(64).describe('Patches a sequence; the first is context only.'),
  sequencesPerBatch: count(8).describe('Sequences evaluated at once.'),
  numPatches: count(16384).describe('Held-out patches for the reconstruction.'),
});
