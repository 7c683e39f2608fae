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

/** Of a model that knows the probabilities of tokens. */
export interface PerplexityReport {
  /** Nats a token; `perplexity` is its exponential, `bitsPerByte` counts the bytes of the text instead. */
  readonly crossEntropy: number;
  readonly perplexity: number;
  readonly bitsPerByte: number;
  readonly numTokens: number;
}

/** All that `evaluate` measures, and what third-party measures find; what was not asked for is absent. */
export interface Evaluation {
  readonly reconstruction?: Reconstruction;
  readonly perplexity?: PerplexityReport;
  readonly brierlm?: BrierReport;
  /** From samples alone, whatever the model is. */
  readonly sampled?: BrierReport;
  readonly energy?: EnergyReport;
  readonly untrained?: BrierReport;
  readonly unigram?: UnigramReport;
  readonly temperature?: readonly TemperatureReport[];
}

export type UnigramReport = BrierScore & { readonly interval?: BrierInterval };

/** All that `evaluate-endpoint` measures. */
export interface EndpointEvaluation {
  readonly brierlm?: BrierReport;
  readonly unigram?: UnigramReport;
}

/** The artifact kind that `evaluate-endpoint` makes: endpoint-evaluation.json. */
export const endpointEvaluation = jsonReport<EndpointEvaluation>('endpoint-evaluation');

/** The artifact kind that `evaluate` makes: evaluation.json. */
export const evaluation = jsonReport<Evaluation>('evaluation');
