/**
 * Folders of the reference (and of its kind) checked before they are taken: every tensor is there, with the
 * shape that the configuration says. No number is read.
 */

import type { Weights } from '../artifacts/index.ts';
import { configUnsupported, notThisArchitecture, tensorMissing, tensorShape } from '../errors.ts';
import { formatShape, sameShape } from '../shapes.ts';
import { autoencoderTable } from './autoencoder/autoencoder.ts';
import { type AutoencoderConfig, autoencoderFields, autoencoderSchema } from './autoencoder/config.ts';
import { calmTable } from './calm/calm.ts';
import { BACKBONE_KEYS, backboneSchema, type CalmConfig } from './calm/config.ts';
import { headEntries, loadHead } from './calm/heads/registry.ts';
import { readHead, savedNames } from './calm/heads/saved-options.ts';
import { checkedConfig } from './config.ts';
import { AUTOENCODER_PREFIX, checkFits, hasAutoencoder } from './frozen-autoencoder.ts';
import { readingWeights } from './model-weights.ts';
import { otherNameOf, type ParameterTable } from './parameters.ts';
import { readReferenceConfig } from './reference-config.ts';
import {
  TRANSFORMER_DEFAULTS,
  type TransformerConfig,
  transformerFields,
  transformerSchema,
} from './transformer/config.ts';
import { transformerTable } from './transformer/transformer.ts';

/** An autoencoder's folder, checked. */
export async function checkAutoencoderFolder(
  directory: string,
): Promise<{ config: AutoencoderConfig; unknown: readonly string[] }> {
  const { file, stated, unknown } = await readReferenceConfig(directory, Object.keys(autoencoderFields));
  const config = checkedConfig(file, autoencoderSchema, stated);
  await readingWeights(directory, (weights) => {
    if (!weights.has('encoder.squeeze_layer.weight'))
      throw notThisArchitecture(directory, 'an autoencoder of CALM', firstNames(weights));
    checkTensors(autoencoderTable(config), weights);
  });
  return { config, unknown };
}

/**
 * A language model's folder, checked, with the autoencoder that belongs to it.
 * @param autoencoderDirectory where the autoencoder's configuration is, and its weights unless the model's
 * own hold them
 */
export async function checkCalmFolder(directory: string, autoencoderDirectory: string) {
  const known = [...BACKBONE_KEYS, ...savedNames()];
  const { file, stated, unknown } = await readReferenceConfig(directory, known);
  const autoencoder = await checkAutoencoderFolder(autoencoderDirectory);
  return readingWeights(directory, async (weights) => {
    if (!weights.has('embed_proj.0.weight') || !weights.has('transformer.norm.weight'))
      throw notThisArchitecture(directory, 'a CALM', firstNames(weights));
    const backbone = checkedConfig(file, backboneSchema, stated);
    const head = headOf(weights, backbone, stated.modelType, directory);
    const config: CalmConfig = { ...backbone, head: readHead(file, head, stated) };
    checkFits(config, autoencoder.config);
    checkTensors(calmTable(config, await loadHead(config.head.name)), weights);
    const isWhole = hasAutoencoder(weights);
    if (isWhole) checkTensors(autoencoderTable(autoencoder.config), weights, AUTOENCODER_PREFIX);
    return {
      config,
      autoencoder: autoencoder.config,
      hasAutoencoder: isWhole,
      unknown: [...unknown, ...autoencoder.unknown],
    };
  });
}

/**
 * A Llama's folder, checked. Relatives of it (Mistral, Qwen, …) differ in their mathematics and are refused.
 */
export async function checkTransformerFolder(
  directory: string,
): Promise<{ config: TransformerConfig; unknown: readonly string[] }> {
  const known = Object.keys(transformerFields);
  const { file, stated, unknown } = await readReferenceConfig(directory, known);
  const { modelType } = TRANSFORMER_DEFAULTS;
  if (stated.modelType !== modelType) throw configUnsupported(file, 'modelType', stated.modelType, modelType);
  const config = checkedConfig(file, transformerSchema, { ...stated, ...specialIdsOf(stated) });
  await readingWeights(directory, (weights) => checkTensors(transformerTable(config), weights));
  return { config, unknown };
}

/** Ids of special tokens as Llamas state them: of several that end a text none is taken, and −1 is none. */
function specialIdsOf({ eosTokenId, padTokenId }: Readonly<Record<string, unknown>>) {
  return {
    ...(Array.isArray(eosTokenId) ? { eosTokenId: null } : {}),
    ...(padTokenId === -1 ? { padTokenId: null } : {}),
  };
}

/**
 * Which head the weights are of. The reference forgets to save it, so `model_type` decides only where several
 * heads, or none, know them.
 */
function headOf(
  weights: Weights,
  sizes: { readonly latentSize: number },
  modelType: unknown,
  directory: string,
): string {
  const shapes = {
    has: (name: string) => weights.has(name),
    shapeOf: (name: string) => weights.shapeOf(name),
  };
  const found = headEntries().filter(({ recognises }) => recognises?.(shapes, sizes));
  const possible = found.length > 0 ? found : headEntries().filter(({ recognises }) => !recognises);
  const head = possible.find(({ name }) => name === modelType) ?? found[0];
  if (!head) throw notThisArchitecture(directory, 'a CALM with a head that is known', firstNames(weights));
  return head.name;
}

function checkTensors(table: ParameterTable, weights: Weights, prefix = ''): void {
  for (const [name, { shape }] of Object.entries(table)) {
    const full = prefix + name;
    const found = weights.shapeOf(full) ?? weights.shapeOf(otherNameOf(full) ?? '');
    if (!found) throw tensorMissing(weights.file, full);
    if (!sameShape(found, shape))
      throw tensorShape(weights.file, full, formatShape(shape), formatShape(found));
  }
}

function firstNames(weights: Weights): string[] {
  return [...weights.keys()].slice(0, 3);
}
