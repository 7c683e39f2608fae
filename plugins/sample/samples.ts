import { jsonReport } from 'calm-lm/artifacts';

export interface Sample {
  /** The continuation, without the prompt. */
  readonly text: string;
  readonly tokens: number;
  /** Why it ended. */
  readonly end: 'stop' | 'end of text' | 'length';
}

/** What the patches of a continuation took. */
export interface SampleCounts {
  /** Draws of patches. */
  readonly draws?: number;
  /** Patches for which the exact algorithm ran out of draws, so that the batch approximation chose. */
  readonly fallbacks?: number;
}

export interface Samples {
  readonly prompt: string;
  readonly temperature: number;
  readonly sampler?: string;
  readonly seed: number;
  readonly samples: readonly (Sample & SampleCounts)[];
}

/** The artifact kind that `sample` makes: samples.json. */
export const samples = jsonReport<Samples>('samples');
