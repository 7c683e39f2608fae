/**
 * Which optimiser steps are bad: a loss or a gradient norm that is not a finite number, or lies far above
 * those of the last steps. As OLMo's SkipStepOptimizer (window 128, six deviations there): the limits go into
 * the step, which leaves parameters and moments as they are where one is exceeded.
 */

const WINDOW = 128;
/** The largest float32: whatever is finite lies below it. */
const NO_LIMIT = 3.4028234663852886e38;

/** Losses and gradient norms of the last good steps; plain data, for checkpoints. */
export interface WatchState {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
}

export interface StepLimits {
  readonly loss: number;
  readonly norm: number;
}

/** Whatever is finite passes. */
export const NO_LIMITS: StepLimits = { loss: NO_LIMIT, norm: NO_LIMIT };

export class StepWatch {
  readonly #deviations: number;
  #losses: number[];
  #norms: number[];

  /**
   * @param deviations standard deviations above the mean at which a step is bad; 0: only what is not finite
   * is
   */
  constructor(deviations: number, { losses, norms }: WatchState = { losses: [], norms: [] }) {
    this.#deviations = deviations;
    [this.#losses, this.#norms] = [[...losses], [...norms]];
  }

  get state(): WatchState {
    return { losses: this.#losses, norms: this.#norms };
  }

  /** What the next step may not exceed, as float32. Until half a window is known, anything finite passes. */
  limits(): StepLimits {
    if (this.#deviations === 0 || this.#losses.length < WINDOW / 2) return NO_LIMITS;
    return { loss: limitOf(this.#losses, this.#deviations), norm: limitOf(this.#norms, this.#deviations) };
  }

  /** Remembers a good step. */
  accept(loss: number, norm: number): void {
    if (this.#deviations === 0) return;
    this.#losses = [...this.#losses, loss].slice(-WINDOW);
    this.#norms = [...this.#norms, norm].slice(-WINDOW);
  }
}

/**
 * Why a step is bad, in words; undefined where it is good. Says the same as the comparison inside the step.
 */
export function problemOfStep(loss: number, norm: number, limits: StepLimits): string | undefined {
  if (!Number.isFinite(loss)) return `the loss is ${loss}`;
  if (!Number.isFinite(norm)) return `the gradient norm is ${norm}`;
  if (loss > limits.loss) return `the loss ${loss.toPrecision(5)} is above ${limits.loss.toPrecision(5)}`;
  return norm > limits.norm
    ? `the gradient norm ${norm.toPrecision(5)} is above ${limits.norm.toPrecision(5)}`
    : undefined;
}

function limitOf(values: readonly number[], deviations: number): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return Math.fround(mean + deviations * Math.sqrt(variance));
}
