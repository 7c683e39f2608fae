/** The autoencoder's configuration: the keys of the reference in camelCase, with its defaults. */
export interface AutoencoderConfig {
  /** `robust` (paper §2.2: noise, KL, dropout) or `plain` (§2.1). */
  readonly variant: 'robust' | 'plain';
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numEncoderLayers: number;
  readonly numDecoderLayers: number;
  readonly latentSize: number;
  /** K, tokens a patch. */
  readonly patchSize: number;
  /** Rate of token dropout, and of latent dropout unless that has its own. */
  readonly aeDropout: number;
  readonly latentDropout: number | null;
  /** Free nats a latent dimension. */
  readonly klClamp: number;
  readonly klWeight: number;
  readonly rmsNormEps: number;
  readonly initializerRange: number;
  readonly padTokenId: number | null;
  readonly eosTokenId: number | null;
}

/** Source: the reference's configuration class (paper §7.1). */
export const AUTOENCODER_DEFAULTS: AutoencoderConfig = {
  variant: 'robust',
  vocabSize: 128256,
  hiddenSize: 512,
  intermediateSize: 1280,
  numEncoderLayers: 2,
  numDecoderLayers: 2,
  latentSize: 128,
  patchSize: 4,
  aeDropout: 0.15,
  latentDropout: null,
  klClamp: 0.5,
  klWeight: 1e-3,
  rmsNormEps: 1e-6,
  initializerRange: 0.02,
  padTokenId: null,
  eosTokenId: null,
};
