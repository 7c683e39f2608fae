import { jsonReport } from 'calm-lm/artifacts';
import type {
  BrierInterval,
  BrierScore,
  EnergyMeasure,
  Reconstruction,
  TemperatureMeasure,
} from 'calm-lm/evaluation';

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

/** One setting of the measure `temperature`. */
export interface TemperatureReport extends TemperatureMeasure {
  readonly temperature: number;
  /** N; absent where the distribution is known and nothing is approximated. */
  readonly numCandidates?: number;
}

/** All that `evaluate` measures; what was not asked for is absent. */
export interface Evaluation {
  readonly reconstruction?: Reconstruction;
  readonly brierlm?: BrierReport;
  readonly energy?: EnergyReport;
  readonly untrained?: BrierReport;
  readonly unigram?: UnigramReport;
  readonly temperature?: readonly TemperatureReport[];
}

export type UnigramReport = BrierScore & { readonly interval?: BrierInterval };

/** All that `evaluate-baseline` measures. */
export interface BaselineEvaluation {
  /** Nats a token; `perplexity` is its exponential, `bitsPerByte` counts the bytes of the text instead. */
  readonly perplexity?: {
    readonly crossEntropy: number;
    readonly perplexity: number;
    readonly bitsPerByte: number;
    readonly numTokens: number;
  };
  /** With exact collisions. */
  readonly brierlm?: BrierReport;
  /** From samples alone, as any other model. */
  readonly sampled?: BrierReport;
  readonly unigram?: UnigramReport;
  readonly temperature?: readonly TemperatureReport[];
}

/** All that `evaluate-endpoint` measures. */
export interface EndpointEvaluation {
  readonly brierlm?: BrierReport;
  readonly unigram?: UnigramReport;
}

/** The artifact kind that `evaluate-endpoint` makes: endpoint-evaluation.json. */
export const endpointEvaluation = jsonReport<EndpointEvaluation>('endpoint-evaluation');

/** The artifact kind that `evaluate` makes: evaluation.json. */
export const evaluation = jsonReport<Evaluation>('evaluation');

/** The artifact kind that `evaluate-baseline` makes: baseline-evaluation.json. */
export const baselineEvaluation = jsonReport<BaselineEvaluation>('baseline-evaluation');
