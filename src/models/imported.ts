/** Folders of the reference (and of its kind) checked before they are taken: every tensor is there, with the shape that the configuration says. No number is read. */

import { join } from 'node:path';
import type { ModelFolder, Weights } from '../artifacts/index.ts';
import { configUnsupported, notThisArchitecture, tensorMissing, tensorShape } from '../errors.ts';
import { formatShape, sameShape } from '../shapes.ts';
import { autoencoderTable } from './autoencoder/autoencoder.ts';
import { AUTOENCODER_DEFAULTS, type AutoencoderConfig } from './autoencoder/config.ts';
import { calmTable } from './calm/calm.ts';
import { CALM_DEFAULTS, type CalmConfig } from './calm/config.ts';
import { loadHead } from './calm/heads/registry.ts';
import { AUTOENCODER_PREFIX, checkFits, hasAutoencoder, readingWeights } from './model-weights.ts';
import { otherNameOf, type ParameterTable } from './parameters.ts';
import { type ReferenceConfig, readReferenceConfig } from './reference-config.ts';
import { TRANSFORMER_DEFAULTS, type TransformerConfig } from './transformer/config.ts';
import { transformerTable } from './transformer/transformer.ts';

/** An autoencoder's folder, checked. */
export async function checkAutoencoderFolder(
  directory: string,
): Promise<{ config: AutoencoderConfig; unknown: readonly string[] }> {
  const { config, unknown } = await readReferenceConfig(directory, AUTOENCODER_DEFAULTS);
  await readingWeights(directory, (weights) => {
    if (!weights.has('encoder.squeeze_layer.weight'))
      throw notThisArchitecture(directory, 'an autoencoder of CALM', firstNames(weights));
    checkTensors(autoencoderTable(config), weights);
  });
  return { config, unknown };
}

/**
 * A language model's folder, checked, with the autoencoder that belongs to it.
 * @param autoencoderDirectory where the autoencoder's configuration is, and its weights unless the model's own hold them
 */
export async function checkCalmFolder(directory: string, autoencoderDirectory: string) {
  const { config: stated, unknown } = await readReferenceConfig(directory, CALM_DEFAULTS);
  const autoencoder = await checkAutoencoderFolder(autoencoderDirectory);
  return readingWeights(directory, async (weights) => {
    if (!weights.has('embed_proj.0.weight') || !weights.has('transformer.norm.weight'))
      throw notThisArchitecture(directory, 'a CALM', firstNames(weights));
    const config: CalmConfig = { ...stated, modelType: headOf(weights, stated, directory) };
    checkFits(config, autoencoder.config);
    checkTensors(calmTable(config, await loadHead(config.modelType)), weights);
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

/** A Llama's folder, checked. Relatives of it (Mistral, Qwen, …) differ in their mathematics and are refused. */
export async function checkTransformerFolder(
  folder: ModelFolder,
): Promise<ReferenceConfig<TransformerConfig>> {
  const { numAttentionHeads: heads } = await folder.readConfig((_, stated) => stated);
  const ownHeads = typeof heads === 'number' ? { numKeyValueHeads: heads } : {};
  const read = await readReferenceConfig(folder.directory, { ...TRANSFORMER_DEFAULTS, ...ownHeads });
  const { modelType } = read.config as { readonly modelType: string };
  if (modelType !== TRANSFORMER_DEFAULTS.modelType)
    throw configUnsupported(
      join(folder.directory, 'config.json'),
      'modelType',
      modelType,
      TRANSFORMER_DEFAULTS.modelType,
    );
  await readingWeights(folder, (weights) => checkTensors(transformerTable(read.config), weights));
  return read;
}

/** Which head the weights are of: the reference forgets to save it. */
function headOf(weights: Weights, { latentSize }: CalmConfig, directory: string): string {
  if (weights.has('mlp_generator.noise_embd.weight') || weights.has('generative_head.noise_embd.weight'))
    return 'energy';
  const last = weights.shapeOf('generative_head.net.final_layer.linear.weight');
  if (!last) throw notThisArchitecture(directory, 'a CALM with a head that is known', firstNames(weights));
  return last[0] === 2 * latentSize ? 'diffusion' : 'flow';
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
