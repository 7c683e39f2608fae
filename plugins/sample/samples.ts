import { jsonReport } from 'calm-lm/artifacts';

export interface Sample {
  /** The continuation, without the prompt. */
  readonly text: string;
  readonly tokens: number;
  /** Why it ended. */
  readonly end: 'end of text' | 'length';
}

export interface Samples {
  readonly prompt: string;
  readonly temperature: number;
  readonly seed: number;
  readonly samples: readonly Sample[];
}

/** The artifact kind that `sample` makes: samples.json. */
export const samples = jsonReport<Samples>('samples');
