/** What training is given, and what comes of it. */

import type { Engine, LossOutputs, TensorMap, TensorTree } from '../engine/index.ts';
import type { BadStepPolicy } from './bad-steps.ts';
import type { BestStep, Direction } from './best-step.ts';
import type { CheckpointingOptions } from './checkpointing.ts';
import type { Rule } from './clipping.ts';
import type { Measure } from './held-out.ts';
import type { TrainingReport } from './report.ts';
import type { ScheduleConfig } from './schedule.ts';

export interface TrainerOptions<Batch extends TensorTree> extends Rule, CheckpointingOptions {
  /** Named in errors. */
  readonly stage: string;
  readonly engine: Engine;
  /** First values; the trainer takes them over and frees them. */
  readonly parameters: TensorMap;
  readonly schedule: ScheduleConfig;
  /** Micro-batches whose gradients are averaged into one step. */
  readonly accumulationSteps: number;
  readonly tokensPerStep: number;
  readonly logEvery: number;
  readonly evaluateEvery: number;
  /** The held-out value by which the best step is kept and taken in the end; one of `directions`. */
  readonly bestMetric?: string;
  /** Which way the held-out values are better. Those without a direction can't be the best of anything. */
  readonly directions?: Readonly<Record<string, Direction>>;
  readonly onBadStep: BadStepPolicy;
  /** See StepWatch. */
  readonly spikeDeviations: number;
  readonly report: TrainingReport;
  readonly signal: AbortSignal;
  /** The loss of a batch; pure. Its companions are logged. */
  loss(parameters: TensorMap, batch: Batch): LossOutputs;
  /** A micro-batch by its number in the whole training, counted from 0. The trainer frees it. */
  batch(number: number): Batch | Promise<Batch>;
  /** Where a micro-batch comes from, in words that lead back to the text: kept where a step is bad. */
  describeBatch?(number: number): Record<string, unknown>;
  /** Values for the log, from held-out data; called every `evaluateEvery` steps and at the end. */
  evaluate?: Measure | undefined;
}

export interface TrainingResult {
  /** The trained parameters; the caller frees them. */
  readonly parameters: TensorMap;
  /** The last logged values, training and held-out. */
  readonly metrics: Record<string, number>;
  readonly elapsedMs: number;
  /** Bad steps that were left out. */
  readonly numSkipped: number;
  /** The step whose parameters these are, where they are the best by `bestMetric`. */
  readonly best?: BestStep;
}
