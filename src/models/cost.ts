/**
 * What models cost, counted from their parameter tables: a matrix of n numbers takes 2n FLOPs for each row
 * that goes through it, and attention over a context of
 * C positions 4·C·hidden a layer and position; a backward pass takes twice the forward one. Norms,
 * activations and the optimiser are left out, as usual.
 * K tokens a patch · C positions a sequence.
 */

import { autoencoderTable } from './autoencoder/autoencoder.ts';
import type { AutoencoderConfig } from './autoencoder/config.ts';
import { calmTable } from './calm/calm.ts';
import type { CalmConfig } from './calm/config.ts';
import type { AnyHead } from './calm/heads/head.ts';
import { type HeadSampling, samplingOptions } from './calm/heads/sampling.ts';
import type { LlamaConfig } from './llama.ts';
import { countMatrices, countParameters, type ParameterTable } from './parameters.ts';
import type { TransformerConfig } from './transformer/config.ts';
import { transformerTable } from './transformer/transformer.ts';

/** One part of a model. FLOPs are for each token of text. */
export interface CostPart {
  readonly name: string;
  readonly parameters: number;
  readonly trainingFlops: number;
  readonly inferenceFlops: number;
  /** It is used and not trained; counts of a model's parameters leave it out. */
  readonly isFrozen?: boolean;
}

const BACKWARD_AND_FORWARD = 3;

/** The parameters of a part, vectors (biases, norms) included. */
function sizeOf(table: ParameterTable, isPart: (name: string) => boolean): number {
  return countParameters(Object.fromEntries(Object.entries(table).filter(([name]) => isPart(name))));
}

/** FLOPs of attention scores and sums for one position. */
function attentionFlops({ hiddenSize, numHiddenLayers }: LlamaConfig, context: number): number {
  return 4 * context * hiddenSize * numHiddenLayers;
}

/** The discrete baseline, by part. */
export function transformerCost(config: TransformerConfig, context: number): CostPart[] {
  const table = transformerTable(config);
  const embedding = config.vocabSize * config.hiddenSize;
  const isLayer = (name: string) => name.startsWith('model.layers.') || name.startsWith('model.norm');
  const layers = 2 * countMatrices(table, isLayer) + attentionFlops(config, context);
  const part = (name: string, parameters: number, forward: number) => ({
    name,
    parameters,
    trainingFlops: BACKWARD_AND_FORWARD * forward,
    inferenceFlops: forward,
  });
  return [
    part('embedding', embedding, 0),
    part('layers', sizeOf(table, isLayer), layers),
    part('language-model head', config.tieWordEmbeddings ? 0 : embedding, 2 * embedding),
  ];
}

/**
 * A CALM, by part. The frozen autoencoder is a part of its own, which the paper's parameter counts leave out.
 * @param context patches a sequence
 * @param sampling options of the head's sampling; its defaults stand for the others
 */
export function calmCost(
  config: CalmConfig,
  head: AnyHead,
  autoencoder: AutoencoderConfig,
  context: number,
  sampling: HeadSampling = {},
): CostPart[] {
  const table = calmTable(config, head);
  const headTable = head.table(config);
  const isHead = (name: string) => name in headTable;
  const isEmbedding = (name: string) => name.endsWith('embed_tokens.weight');
  const isCompressor = (name: string) => name.startsWith('embed_proj') || name.startsWith('latent_proj');
  const isLayer = (name: string) => !isHead(name) && !isEmbedding(name) && !isCompressor(name);
  const perToken = (flops: number) => flops / config.patchSize;
  const trained = (name: string, isPart: (name: string) => boolean, forward: number) => ({
    name,
    parameters: sizeOf(table, isPart),
    trainingFlops: perToken(BACKWARD_AND_FORWARD * forward),
    inferenceFlops: perToken(forward),
  });
  const products = (isPart: (name: string) => boolean) => 2 * countMatrices(table, isPart);
  const flops = head.flops(config, samplingOptions(config.head.name, sampling));
  return [
    trained('embedding', isEmbedding, 0),
    trained('patch compressor', isCompressor, products(isCompressor)),
    trained('layers', isLayer, products(isLayer) + attentionFlops(config, context)),
    {
      name: `${config.head.name} head`,
      parameters: countParameters(headTable),
      trainingFlops: perToken(BACKWARD_AND_FORWARD * flops.training),
      inferenceFlops: perToken(flops.inference),
    },
    autoencoderCost(autoencoder),
  ];
}

/** The frozen autoencoder: its encoder in training, its decoder and the vocabulary's scores in inference. */
function autoencoderCost(config: AutoencoderConfig): CostPart {
  const table = autoencoderTable(config);
  const { encoder, decoder } = autoencoderProducts(config);
  return {
    name: 'autoencoder (frozen)',
    isFrozen: true,
    parameters: countParameters(table),
    trainingFlops: encoder / config.patchSize,
    inferenceFlops: decoder / config.patchSize,
  };
}

/**
 * FLOPs of one patch. A layer before the squeeze (after the expansion) works on K vectors, one after it
 * (before) on one.
 */
function autoencoderProducts(config: AutoencoderConfig): { encoder: number; decoder: number } {
  const {
    hiddenSize: d,
    intermediateSize,
    latentSize,
    patchSize: K,
    vocabSize,
    numEncoderLayers,
    numDecoderLayers,
  } = config;
  const layer = 3 * d * intermediateSize;
  const half = (count: number) => Math.floor(count / 2) * layer;
  return {
    encoder: 2 * ((K + 1) * half(numEncoderLayers) + K * d * d + 2 * d * latentSize),
    decoder: 2 * ((K + 1) * half(numDecoderLayers) + d * latentSize + K * d * d + K * d * vocabSize),
  };
}

/** Training and use of an autoencoder, by part. */
export function autoencoderTrainingCost(config: AutoencoderConfig): CostPart[] {
  const { encoder, decoder } = autoencoderProducts(config);
  const table = autoencoderTable(config);
  const part = (name: string, isPart: (name: string) => boolean, flops: number) => ({
    name,
    parameters: sizeOf(table, isPart),
    trainingFlops: (BACKWARD_AND_FORWARD * flops) / config.patchSize,
    inferenceFlops: flops / config.patchSize,
  });
  const isEncoder = (name: string) => name.startsWith('encoder.');
  return [
    part('encoder and embedding', isEncoder, encoder),
    part('decoder', (name) => !isEncoder(name), decoder),
  ];
}
