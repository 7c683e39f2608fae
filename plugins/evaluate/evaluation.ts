import { jsonReport } from 'calm-lm/artifacts';
import type { BrierInterval, BrierScore, EnergyMeasure, Reconstruction } from 'calm-lm/evaluation';

/** BrierLM as scripts read it; brierLM is × 100, as the paper prints it, the factors are fractions. */
export interface BrierReport extends BrierScore {
  /** Samples a position. */
  readonly numSamples: number;
  readonly protocol: string;
  /** 95 %, from the bootstrap over documents; absent where there is only one sequence. */
  readonly interval?: BrierInterval;
}

/** The energy loss of the model and of a predictor that ignores the context. */
export interface EnergyReport extends EnergyMeasure {
  readonly contextFreeLoss: number;
}

/** All that `evaluate` measures; what was not asked for is absent. */
export interface Evaluation {
  readonly reconstruction?: Reconstruction;
  readonly brierlm?: BrierReport;
  readonly energy?: EnergyReport;
  readonly untrained?: BrierReport;
  readonly unigram?: BrierScore & { readonly interval?: BrierInterval };
}

/** The artifact kind that `evaluate` makes: evaluation.json. */
export const evaluation = jsonReport<Evaluation>('evaluation');
