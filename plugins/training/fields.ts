/**
 * The fields that training stages share: schedule, optimiser, logging. Defaults: the paper's recipe
 * (§7.1).
 */

import type { MetricFormat } from 'calm-lm/plugin';
import { SCHEDULES } from 'calm-lm/training/schedule';
import { z } from 'zod';
import { count } from '../fields/count.ts';
import { movedToOptimizer, optimizerField } from './optimizer-field.ts';
import { startFields } from './start-fields.ts';

const LOGS = ['tensorboard', 'csv'] as const satisfies readonly MetricFormat[];

export const trainingFields = {
  accumulationSteps: count(1).describe('Micro-batches whose gradients are averaged into one step.'),
  learningRate: z.number().positive().default(3e-4).describe('Peak learning rate.'),
  schedule: z
    .enum(SCHEDULES)
    .default('constant_with_warmup')
    .describe('Learning rate over the steps, under Hugging Face names; `constant` ignores warmupSteps.'),
  optimizer: optimizerField,
  maxGradNorm: z.number().positive().default(1).describe('Gradients are scaled down to this global norm.'),
  logEvery: count(50).describe('Steps between lines of metrics.jsonl; each is the mean since the last.'),
  checkpointEvery: count(200).describe('Steps between checkpoints. A killed run resumes from the newest.'),
  checkpointMinutes: z
    .number()
    .nonnegative()
    .default(10)
    .describe('Minutes after which a checkpoint is due in any case; 0 for never.'),
  keepCheckpoints: count(2).describe(
    'How many of the newest regular checkpoints stay, besides the last one, also when the stage is done.',
  ),
  bestMetric: z
    .string()
    .optional()
    .describe(
      'A held-out value (validationLoss, tokenAccuracy, …): the step where it was best is kept, and its ' +
        'weights are the result. A value that is no number is never the best.',
    ),
  onBadStep: z
    .enum(['stop', 'skip'])
    .default('stop')
    .describe(
      'A step whose loss or gradients are not finite, or spike: save the state before it and stop, or ' +
        'leave it out. events.jsonl keeps which batch it was.',
    ),
  spikeDeviations: z
    .number()
    .nonnegative()
    .default(0)
    .describe(
      'A loss or gradient norm that many standard deviations above the mean of the last 128 steps is a ' +
        'spike; 0 for none. OLMo uses 6.',
    ),
  evaluateEvery: count(1000).describe(
    'Steps between measurements on held-out documents; there is one at the end in any case.',
  ),
  logTo: z
    .union([z.enum(LOGS), z.array(z.enum(LOGS))])
    .default([])
    .transform((given) => [given].flat())
    .describe(
      'Logs of others that are written beside metrics.jsonl as training goes: tensorboard (event files in ' +
        'tensorboard/), csv (metrics.csv).',
    ),
  ...startFields,
  ...movedToOptimizer,
};

/** Fields that do not change the result. Where the best step is looked for, it matters when it is looked. */
export const operationalFields = ({ bestMetric }: { readonly bestMetric?: string | undefined }) => [
  'checkpointEvery',
  'checkpointMinutes',
  'keepCheckpoints',
  'logEvery',
  'logTo',
  'onBadStep',
  // What its files hold counts (see `sources`), not where they lie.
  'initFrom',
  ...(bestMetric === undefined ? ['evaluateEvery'] : []),
];

/** Why a finished model can't be trained for more steps; undefined where it can. */
export function continues({ schedule }: { readonly schedule: string }): string | undefined {
  return schedule.startsWith('constant')
    ? undefined
    : `the learning rate of a ${schedule} schedule depends on the number of steps from the first one on`;
}
