/** When a model in training writes a sample: every so many steps, each time once, also over interruptions. */

import { ALONE, type Cluster } from '../cluster/index.ts';
import type { TensorMap } from '../engine/index.ts';
import { byFirst, pause } from './leaving.ts';

/** Plain data, for checkpoints. */
export interface SamplingState {
  /** The step whose sample was written last; absent where there was none. */
  readonly sampledStep?: number;
}

export interface SamplingOptions {
  /** Steps between samples; 0 for none. */
  readonly sampleEvery?: number;
  /**
   * Lets the model write something, with the parameters after so many steps. It draws from streams of its own,
   * so training with and without it is the same. `pause` is awaited between short pieces of work.
   */
  sample?(step: number, parameters: TensorMap, pause: () => Promise<void>): Promise<void>;
  readonly signal: AbortSignal;
  readonly cluster?: Cluster;
}

export class Sampling {
  readonly #options: SamplingOptions;
  #sampledStep: number | undefined;

  constructor(options: SamplingOptions, { sampledStep }: SamplingState = {}) {
    [this.#options, this.#sampledStep] = [options, sampledStep];
  }

  get state(): SamplingState {
    return this.#sampledStep === undefined ? {} : { sampledStep: this.#sampledStep };
  }

  /** A step is done, or was done before an interruption: its sample is written where it is due. */
  async reach(step: number, parameters: TensorMap): Promise<void> {
    const { sampleEvery = 0, sample, signal, cluster = ALONE } = this.#options;
    const isDue = sampleEvery > 0 && step > 0 && step % sampleEvery === 0 && step !== this.#sampledStep;
    if (!sample || !isDue) return;
    await byFirst(cluster, () => sample(step, parameters, () => pause(signal)));
    this.#sampledStep = step;
  }
}
