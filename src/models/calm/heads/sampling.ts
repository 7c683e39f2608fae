/** How a head is sampled from, as far as there is a choice. Loads no tensor library. */

import { headOption } from '../../../errors.ts';

export const FLOW_METHODS = ['midpoint', 'euler'] as const;

export interface HeadSampling {
  /** Steps: of the respaced diffusion (100), of the flow's integration (10). */
  readonly headSteps?: number;
  /** How the flow is integrated: midpoint takes two evaluations a step. */
  readonly flowMethod?: (typeof FLOW_METHODS)[number];
  /** Factor on the noise: each step's of the diffusion, the first of the flow. 1 where absent. */
  readonly noiseTemperature?: number;
}

/** Refuses options that a head does not have. */
export function refuseOptions(
  head: string,
  given: HeadSampling,
  known: readonly (keyof HeadSampling)[],
): void {
  for (const name of Object.keys(given) as (keyof HeadSampling)[])
    if (given[name] !== undefined && !known.includes(name)) throw headOption(head, name, known);
}
