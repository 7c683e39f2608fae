import { z } from 'zod';

export const MEASURES = ['reconstruction', 'brierlm', 'energy', 'baselines'] as const;

const count = (value: number) => z.int().positive().default(value);

export const config = z.strictObject({
  measures: z
    .array(z.enum(MEASURES))
    .nonempty()
    .default([...MEASURES])
    .describe(
      'reconstruction: of the autoencoder. brierlm: of the model. energy: its loss beside a context-free predictor. baselines: BrierLM of the untrained model and of a unigram sampler.',
    ),
  protocol: z
    .enum(['weighted', 'reference'])
    .default('weighted')
    .describe(
      'How BrierLM is put together. weighted: every window counts the same, each factor is clamped at 0. reference: every batch counts the same, the product alone is clamped.',
    ),
  numSequences: count(32).describe('Held-out sequences, spread evenly over the validation split.'),
  patchesPerSequence: z.int().min(6).default(64).describe('Patches a sequence; the first is context only.'),
  sequencesPerBatch: count(8).describe('Sequences evaluated at once.'),
  numPatches: count(16384).describe('Held-out patches for the reconstruction.'),
});
