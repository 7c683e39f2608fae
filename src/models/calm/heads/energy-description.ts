import { z } from 'zod';
import { layers, size } from '../../fields.ts';
import type { HeadDescription } from './head.ts';

const BETA = { error: 'must be a number above 0, at most 2' };

const options = z.object({
  numMlpLayers: layers(4).describe('Residual blocks.'),
  noiseSize: size(64).describe('Numbers of uniform noise that a sample is made from.'),
  numSamples: size(8, 2).describe('N, model samples a position in the loss.'),
  numTargetSamples: size(100).describe('M, draws of the target posterior a position in the loss.'),
  beta: z
    .number(BETA)
    .gt(0, BETA)
    .lte(2, BETA)
    .default(1)
    .describe('Exponent of the energy score; strictly proper below 2.'),
});

export type EnergyOptions = z.output<typeof options>;

const NOISE_EMBEDDINGS = ['mlp_generator.noise_embd.weight', 'generative_head.noise_embd.weight'];

export const energyDescription = {
  name: 'energy',
  summary: 'One step from noise to a sample, trained by the energy score (paper §3.2).',
  options,
  sampling: z.object({}),
  architecture: 'EnergyTransformer',
  // Diversity alone says nothing.
  values: { fidelity: { label: 'fidelity', better: 'lower' }, diversity: { label: 'diversity' } },
  recognises: ({ has }) => NOISE_EMBEDDINGS.some(has),
} as const satisfies HeadDescription;
