/** Learning-rate schedules, under the names that Hugging Face gives them. */

export const SCHEDULES = ['constant', 'constant_with_warmup', 'linear', 'cosine'] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

export interface ScheduleConfig {
  readonly schedule: ScheduleName;
  readonly learningRate: number;
  /** Steps of linear warm-up from 0; `constant` ignores them, as in the reference's scripts. */
  readonly warmupSteps: number;
  /** Steps of the whole run. */
  readonly steps: number;
}

/** The learning rate of a step, counted from 0: the first step of a warm-up has rate 0. */
export function learningRateAt(
  { schedule, learningRate, warmupSteps, steps }: ScheduleConfig,
  step: number,
): number {
  if (schedule === 'constant') return learningRate;
  if (step < warmupSteps) return (learningRate * step) / Math.max(1, warmupSteps);
  if (schedule === 'constant_with_warmup') return learningRate;
  const progress = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  const factor = schedule === 'linear' ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
  return learningRate * Math.max(0, factor);
}
