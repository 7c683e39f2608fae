/** The step that is the best so far by a held-out value, in the direction that is stated for it. */

import { bestMetricUnknown } from '../errors.ts';

export interface BestStep {
  readonly step: number;
  readonly value: number;
}

/** Whether lower or higher values are better. */
export type Direction = 'lower' | 'higher';

export class BestStepSearch {
  readonly #metric: string | undefined;
  readonly #directions: Readonly<Record<string, Direction>>;
  #best: BestStep | undefined;

  /** @param metric one of `directions`; nothing is looked for where it is absent */
  constructor(
    metric: string | undefined,
    directions: Readonly<Record<string, Direction>> = {},
    best?: BestStep,
  ) {
    [this.#metric, this.#directions, this.#best] = [metric, directions, best];
  }

  get best(): BestStep | undefined {
    return this.#best;
  }

  get isWanted(): boolean {
    return this.#metric !== undefined;
  }

  /** A metric that is not measured, or has no direction, is an error. */
  check(measured: Record<string, number>): void {
    const names = Object.keys(measured).filter((name) => Object.hasOwn(this.#directions, name));
    if (this.#metric !== undefined && !names.includes(this.#metric))
      throw bestMetricUnknown(this.#metric, names);
  }

  consider(step: number, measured: Record<string, number>): void {
    if (this.#metric === undefined) return;
    const value = measured[this.#metric] ?? Number.NaN;
    if (this.#isBetter(value, this.#directions[this.#metric])) this.#best = { step, value };
  }

  /** What is no number is never the best; a checkpoint may still have kept such a one. */
  #isBetter(value: number, direction: Direction | undefined): boolean {
    const best = this.#best?.value;
    if (!Number.isFinite(value)) return false;
    if (best === undefined || !Number.isFinite(best)) return true;
    return direction === 'lower' ? value < best : value > best;
  }
}
