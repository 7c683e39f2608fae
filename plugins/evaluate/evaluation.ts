import { jsonReport } from 'calm-lm/artifacts';

/** BrierLM as scripts read it. */
export interface BrierReport {
  /** × 100, as the paper prints it. */
  readonly brierLM: number;
  /** Brier-1 … Brier-4, as fractions. */
  readonly brier: readonly number[];
  /** Samples a position. */
  readonly numSamples: number;
  readonly numWindows: number;
  readonly protocol: string;
}

/** The energy loss of the model and of a predictor that ignores the context. */
export interface EnergyReport {
  readonly loss: number;
  readonly fidelity: number;
  readonly diversity: number;
  readonly contextFreeLoss: number;
}

export interface ReconstructionReport {
  readonly tokenAccuracy: number;
  readonly patchAccuracy: number;
  readonly sampledTokenAccuracy: number;
  readonly meanStd: number;
  readonly underNoise: readonly { readonly sigma: number; readonly tokenAccuracy: number }[];
  readonly numTokens: number;
}

/** All that `evaluate` measures; what was not asked for is absent. */
export interface Evaluation {
  readonly reconstruction?: ReconstructionReport;
  readonly brierlm?: BrierReport;
  readonly energy?: EnergyReport;
  readonly untrained?: BrierReport;
  readonly unigram?: Omit<BrierReport, 'numSamples' | 'protocol'>;
}

/** The artifact kind that `evaluate` makes: evaluation.json. */
export const evaluation = jsonReport<Evaluation>('evaluation');
