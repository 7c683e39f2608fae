/** What training is given, and what comes of it. */

import type { TensorMap, TensorTree } from '../engine/index.ts';
import type { CheckpointingOptions, Chosen } from './checkpointing.ts';
import type { HeldOutOptions } from './held-out.ts';
import type { TrainingReport } from './report.ts';
import type { SamplingOptions } from './sampling.ts';
import type { ScheduleConfig } from './schedule.ts';
import type { StepsOptions } from './steps.ts';
import type { LogOptions } from './training-log.ts';

/** The options of its parts, and what none of them takes. */
export interface TrainerOptions<Batch extends TensorTree>
  extends StepsOptions<Batch>,
    LogOptions,
    HeldOutOptions,
    SamplingOptions,
    CheckpointingOptions {
  /** First values; the trainer takes them over and frees them. */
  readonly parameters: TensorMap;
  readonly schedule: ScheduleConfig;
  readonly report: TrainingReport;
}

export interface TrainingResult extends Chosen {
  /** The last logged values, training and held-out. */
  readonly metrics: Record<string, number>;
  readonly elapsedMs: number;
  /** Bad steps that were left out. */
  readonly numSkipped: number;
}
