import { jsonReport } from 'calm-lm/artifacts';
import type {
  BrierReport,
  EnergyMeasure,
  Reconstruction,
  TemperatureMeasure,
  UnigramReport,
} from 'calm-lm/evaluation';

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

/** Of texts that the model wrote: what the corpus knows of their words of four letters or more. */
export interface WordReport {
  /** The share that the training text has at least five times. */
  readonly share: number;
  /** 95 %, from the bootstrap over texts. */
  readonly interval?: readonly [low: number, high: number];
  /** The same of the held-out text itself. */
  readonly heldOutShare: number;
  readonly numWords: number;
  readonly temperature: number;
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
  readonly words?: WordReport;
}

/** The artifact kind that `evaluate` makes: evaluation.json. */
export const evaluation = jsonReport<Evaluation>('evaluation');
