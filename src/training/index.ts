/** The training loop and its parts. */

export * from './optimizer.ts';
export { learningRateAt, SCHEDULES, type ScheduleConfig, type ScheduleName } from './schedule.ts';
export {
  type BadStepPolicy,
  type BestStep,
  type Direction,
  type TrainerOptions,
  type TrainerState,
  type TrainingReport,
  type TrainingResult,
  train,
} from './trainer.ts';
