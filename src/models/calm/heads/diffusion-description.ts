import { z } from 'zod';
import { layers, nonnegative, size } from '../../fields.ts';
import type { HeadDescription } from './head.ts';

/** Steps of the process in training. */
export const NUM_STEPS = 1000;

const options = z.object({
  numMlpLayers: layers(4).describe('Residual blocks.'),
  numSamples: size(8, 2).describe('Targets a position in the loss.'),
});

const STEPS = { error: `must be a whole number from 1 to ${NUM_STEPS}` };

const sampling = z.object({
  steps: z
    .int(STEPS)
    .min(1, STEPS)
    .max(NUM_STEPS, STEPS)
    .default(100)
    .describe('Steps of the respaced process (as in the reference).'),
  noiseTemperature: nonnegative(1).describe('Factor on the noise of each step.'),
});

export type DiffusionOptions = z.output<typeof options>;
export type DiffusionSampling = z.output<typeof sampling>;

export const diffusionDescription = {
  name: 'diffusion',
  summary: 'Improved DDPM: 1,000 steps in training, respaced when sampling.',
  options,
  sampling,
  architecture: 'DiffusionTransformer',
  values: {
    mse: { label: 'mean squared error of the noise', better: 'lower' },
    bound: { label: 'variational bound, bits a dimension', better: 'lower' },
  },
  recognises: ({ shapeOf }, { latentSize }) =>
    shapeOf('generative_head.net.final_layer.linear.weight')?.[0] === 2 * latentSize,
} as const satisfies HeadDescription;
