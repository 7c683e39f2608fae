/** The training loop and its parts. */

export type { BadStepPolicy } from './bad-steps.ts';
export type { BestStep, Direction } from './best-step.ts';
export type { TrainerState } from './checkpointing.ts';
export {
  applyGradients,
  clipByNorm,
  type Rule,
  type StepScalars,
  scaleIfGood,
  stepScalars,
} from './clipping.ts';
export { type AdamWState, adamW } from './optimizers/adamw.ts';
export { chain, decayWeights, descend, momentum, type Part, stateless } from './optimizers/chain.ts';
export * from './optimizers/index.ts';
export {
  firstState,
  type Learnt,
  mapTensors,
  type Optimizer,
  type OptimizerInputs,
  type OptimizerState,
  optimizerCost,
  type Shapes,
  zerosLike,
} from './optimizers/optimizer.ts';
export { withRates } from './optimizers/rates.ts';
export type { TrainerOptions, TrainingResult } from './options.ts';
export type { TrainingReport } from './report.ts';
export { learningRateAt, SCHEDULES, type ScheduleConfig, type ScheduleName } from './schedule.ts';
export { train } from './trainer.ts';
