/** Between a training stage and the trainer: what it is given, and what the stage says at its end. */

import type { Optimizer, TrainingResult } from 'calm-lm/training';
import type { ScheduleConfig } from 'calm-lm/training/schedule';
import { z } from 'zod';
import { trainingFields } from './fields.ts';

const trainingObject = z.object(trainingFields);
type TrainingFields = ScheduleConfig & z.infer<typeof trainingObject>;

/**
 * The trainer's options that come straight from the configuration.
 * @param optimizer what `optimizer` names, loaded
 */
export function trainerOptions(config: TrainingFields, optimizer: Optimizer) {
  const { learningRate, schedule, warmupSteps, steps } = config;
  const { accumulationSteps, maxGradNorm, logEvery, evaluateEvery, bestMetric } = config;
  const { checkpointEvery, checkpointMinutes, onBadStep, spikeDeviations } = config;
  return {
    schedule: { learningRate, schedule, warmupSteps, steps },
    optimizer,
    maxGradNorm,
    accumulationSteps,
    logEvery,
    checkpointEvery,
    checkpointMinutes,
    evaluateEvery,
    ...(bestMetric === undefined ? {} : { bestMetric }),
    onBadStep,
    spikeDeviations,
  };
}

/** What a training stage says at its end. @param tokensPerStep micro-batches and all */
export function trainingSummary(
  { metrics, elapsedMs, numSkipped, best }: Omit<TrainingResult, 'parameters'>,
  steps: number,
  tokensPerStep: number,
) {
  return {
    ...metrics,
    ...(best ? { bestStep: best.step, bestValue: best.value } : {}),
    ...(numSkipped > 0 ? { skippedSteps: numSkipped } : {}),
    steps,
    tokensPerSecond: (1000 * steps * tokensPerStep) / elapsedMs,
  };
}
