import type { LlamaConfig } from '../llama.ts';

/** What the backbone reads of a patch (paper, Table 5): its tokens, its latent vector, or both. */
export const INPUT_MODES = ['discrete', 'continuous', 'both'] as const;

/** The language model's configuration: the keys of the reference in camelCase, with its defaults; `inputMode` is ours. */
export interface CalmConfig extends LlamaConfig {
  /** The generative head, by its name in heads/registry.ts. */
  readonly modelType: string;
  readonly inputMode: (typeof INPUT_MODES)[number];
  readonly vocabSize: number;
  readonly initializerRange: number;
  /** K, tokens a patch. */
  readonly patchSize: number;
  readonly latentSize: number;
  /** Size of the uniform noise that the head turns into a sample. */
  readonly noiseSize: number;
  readonly numMlpLayers: number;
  /** N, model samples a position in the energy loss; targets a position in the losses of diffusion and flow. */
  readonly numSamples: number;
  /** Exponent β of the energy score. */
  readonly beta: number;
  readonly padTokenId: number | null;
  readonly eosTokenId: number | null;
}

/** Source: the reference's configuration class. */
export const CALM_DEFAULTS: CalmConfig = {
  modelType: 'energy',
  inputMode: 'discrete',
  vocabSize: 128257,
  hiddenSize: 768,
  intermediateSize: 2048,
  numHiddenLayers: 12,
  numAttentionHeads: 12,
  numKeyValueHeads: 12,
  rmsNormEps: 1e-6,
  ropeTheta: 10000,
  initializerRange: 0.02,
  patchSize: 4,
  latentSize: 128,
  noiseSize: 64,
  numMlpLayers: 4,
  numSamples: 8,
  beta: 1,
  padTokenId: null,
  eosTokenId: null,
};

/** M, target samples a position: hard-coded in the reference (paper §7.4). */
export const NUM_TARGET_SAMPLES = 100;
