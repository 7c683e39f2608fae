import { FLOW_METHODS } from 'calm-lm/models/config';
import { z } from 'zod';
import { temperatureField } from '../sampling-fields.ts';

export const MEASURES = ['reconstruction', 'brierlm', 'energy', 'baselines', 'temperature'] as const;

const count = (value: number) => z.int().positive().default(value);

/** How a head is sampled from; for heads that have a choice. */
export const headFields = {
  headSteps: z.int().positive().optional().describe('Steps of a diffusion (100 where absent) or flow head (10).'),
  flowMethod: z.enum(FLOW_METHODS).optional().describe('How a flow head is integrated; midpoint, with two evaluations a step, where absent.'),
  noiseTemperature: z.number().nonnegative().optional().describe('Factor on the noise of a diffusion or flow head; 1 where absent.'),
};

/** What both evaluations ask of BrierLM. */
export const brierFields = {
  protocol: z
    .enum(['weighted', 'reference'])
    .default('weighted')
    .describe(
      'How BrierLM is put together. weighted: every window counts the same, each factor is clamped at 0. reference: every batch counts the same, the product alone is clamped.',
    ),
  numSamples: z.int().min(2).default(2).describe('S, samples a window in BrierLM; more of them give less noise.'),
  temperatures: z
    .array(temperatureField)
    .nonempty()
    .default([1, 0.5, 1 / 3])
    .describe('Temperatures of the measure `temperature`.'),
  windowsPerSequence: count(8).describe('Windows of a sequence in the measure `temperature`.'),
};

export const config = z.strictObject({
  measures: z
    .array(z.enum(MEASURES))
    .nonempty()
    .default(['reconstruction', 'brierlm', 'energy', 'baselines'])
    .describe(
      'reconstruction: of the autoencoder. brierlm: of the model. energy: the energy loss of its samples beside that of a context-free predictor. baselines: BrierLM of the untrained model and of a unigram sampler. temperature: accuracy and collisions at several temperatures.',
    ),
  ...brierFields,
  candidateCounts: z.array(z.int().min(2)).nonempty().default([200]).describe('N of the measure `temperature`, one after the other.'),
  ...headFields,
  numSequences: count(32).describe('Held-out sequences, spread evenly over the validation split.'),
  patchesPerSequence: z.int().min(6).default(64).describe('Patches a sequence; the first is context only.'),
  sequencesPerBatch: count(8).describe('Sequences evaluated at once.'),
  numPatches: count(16384).describe('Held-out patches for the reconstruction.'),
});
