import { z } from 'zod';
import { layers, nonnegative, size } from '../../fields.ts';
import type { HeadDescription } from './head.ts';

const METHODS = ['midpoint', 'euler'] as const;

const LAST_LAYER = 'generative_head.net.final_layer.linear.weight';

const options = z.object({
  numMlpLayers: layers(4).describe('Residual blocks.'),
  numSamples: size(8, 2).describe('Targets a position in the loss.'),
});

const sampling = z.object({
  steps: size(10).describe('Steps of the integration (as in the reference).'),
  method: z
    .enum(METHODS, { error: `must be ${METHODS.join(' or ')}` })
    .default('midpoint')
    .describe('How it is integrated; midpoint takes two evaluations a step.'),
  noiseTemperature: nonnegative(1).describe('Factor on the noise that it starts from.'),
});

export type FlowOptions = z.output<typeof options>;
export type FlowSampling = z.output<typeof sampling>;

export const flowDescription = {
  name: 'flow',
  summary: 'Flow matching: a velocity field, integrated from noise to a sample.',
  options,
  sampling,
  architecture: 'FlowTransformer',
  recognises: ({ has, shapeOf }, { latentSize }) =>
    has(LAST_LAYER) && shapeOf(LAST_LAYER)?.[0] !== 2 * latentSize,
} as const satisfies HeadDescription;
