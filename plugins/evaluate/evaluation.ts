import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/** 95 %, from the bootstrap over questions; undefined of one question. */
type Interval = readonly [low: number, high: number] | undefined;

/** Of questions that are answered by writing. */
export interface WrittenReport {
  /** Answers that were written to each question. */
  readonly samples: number;
  readonly temperature: number;
  /** The share of answers that are right. */
  readonly exactMatch: number;
  readonly interval: { readonly exactMatch: Interval };
  /** The share of questions the commonest answer to which is right. */
  readonly majority?: number;
  /** By k, the share of questions of which one of k answers is right. */
  readonly passAt?: Readonly<Record<string, number>>;
}

/** Of questions that are answered by choosing an ending. */
export interface ChoiceReport {
  /** Draws for each patch; absent where likelihoods are known. */
  readonly choiceSamples?: number;
  /** The share of questions the likeliest ending of which is right. */
  readonly accuracy: number;
  /** The same by the logarithm of the probability a byte of the ending. */
  readonly accuracyByByte: number;
  readonly interval: { readonly accuracy: Interval; readonly accuracyByByte: Interval };
  /** What choosing blindly gives. */
  readonly chance: number;
}

/** What tasks come to. */
export interface TaskShares {
  readonly exactMatch?: number;
  readonly accuracy?: number;
  readonly accuracyByByte?: number;
  readonly chance?: number;
  readonly interval?: {
    readonly exactMatch?: Interval;
    readonly accuracy?: Interval;
    readonly accuracyByByte?: Interval;
  };
}

/** A task of the measure `tasks`. */
export interface TaskReport
  extends Partial<Omit<WrittenReport, 'interval'>>,
    Partial<Omit<ChoiceReport, 'interval'>>,
    TaskShares {
  /** Its name. */
  readonly task: string;
  readonly questions: number;
  readonly shots: number;
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
  readonly tasks?: readonly TaskReport[];
  /** The values of one task; of several their means. */
  readonly answered?: TaskShares;
}

const report = jsonReport<Evaluation>('evaluation');

/** The artifact kind that `evaluate` makes: evaluation.json, and what measures keep beside it. */
export const evaluation = Object.freeze({
  ...report,
  create: async (directory: string) => ({
    ...(await report.create(directory)),
    keep: (name: string, records: readonly object[]) =>
      writeFile(
        join(directory, `${name}.jsonl`),
        records.map((record) => `${JSON.stringify(record)}\n`).join(''),
      ),
  }),
  discard: () => ({ ...report.discard(), keep: async () => {} }),
});
