/** The discrete Transformer's configuration: the keys of Hugging Face's Llama in camelCase. */
import type { LlamaConfig } from '../llama.ts';

export interface TransformerConfig extends LlamaConfig {
  readonly modelType: 'llama';
  readonly vocabSize: number;
  readonly initializerRange: number;
  /** Whether the head is the input embedding; otherwise it is a matrix of its own. */
  readonly tieWordEmbeddings: boolean;
  readonly padTokenId: number | null;
  readonly eosTokenId: number | null;
}

/** Source: the paper's Transformer-S (Table 1), and Llama's defaults. */
export const TRANSFORMER_DEFAULTS: TransformerConfig = {
  modelType: 'llama',
  vocabSize: 128256,
  hiddenSize: 768,
  intermediateSize: 2048,
  numHiddenLayers: 12,
  numAttentionHeads: 12,
  numKeyValueHeads: 12,
  rmsNormEps: 1e-6,
  ropeTheta: 10000,
  initializerRange: 0.02,
  tieWordEmbeddings: false,
  padTokenId: null,
  eosTokenId: null,
};
