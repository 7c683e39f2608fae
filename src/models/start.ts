/**
 * Weights that a training begins with instead of drawn ones: those of a model that is there. What the model
 * does not have is drawn: another head, and of a CALM that begins as a Llama its patch embedding too.
 */

import type { ModelFolder } from '../artifacts/index.ts';
import { disposeTree, type TensorMap, tf } from '../engine/index.ts';
import { startAutoencoderDiffers, startDiffers, startKind, startVocabulary } from '../errors.ts';
import { sameShape } from '../shapes.ts';
import type { AutoencoderConfig } from './autoencoder/config.ts';
import { backboneTable } from './calm/backbone.ts';
import type { CalmConfig } from './calm/config.ts';
import { loadAutoencoder, loadLanguageModel } from './language-model.ts';
import { isTransformer } from './model-weights.ts';
import type { Autoencoder } from './of-weights.ts';
import type { TransformerConfig } from './transformer/config.ts';
import { loadTransformer } from './transformer/load.ts';

export interface Start {
  /** In the order of the first values. */
  readonly parameters: TensorMap;
  /** Names of those that were drawn. */
  readonly drawn: readonly string[];
}

/** What both Transformers must have in common; a size that differs is an error that names its key. */
const LLAMA_KEYS = [
  'hiddenSize',
  'intermediateSize',
  'numHiddenLayers',
  'numAttentionHeads',
  'numKeyValueHeads',
  'ropeTheta',
  'rmsNormEps',
] as const;

const AUTOENCODER_KEYS = [
  'patchSize',
  'latentSize',
  'hiddenSize',
  'intermediateSize',
  'numEncoderLayers',
  'numDecoderLayers',
  'rmsNormEps',
] as const;

/**
 * A CALM that begins as another one, with its own head where it has the same, or as a discrete Transformer.
 * @param first first values of every parameter; taken over
 * @param autoencoder that it will be trained on
 */
export async function startCalm(
  folder: ModelFolder,
  config: CalmConfig,
  autoencoder: Autoencoder,
  first: TensorMap,
): Promise<Start> {
  if (await isTransformer(folder)) return startAsTransformer(folder, config, first);
  const found = await loadLanguageModel(folder);
  const { directory } = folder;
  checkVocabulary(folder, config.vocabSize, found.config.vocabSize);
  checkKeys([...LLAMA_KEYS, 'inputMode'], config, found.config, directory);
  const isSame =
    config.patchSize === found.config.patchSize &&
    config.latentSize === found.config.latentSize &&
    (await areSame(autoencoder.parameters, found.autoencoder.parameters));
  if (!isSame) throw startAutoencoderDiffers(directory);
  const backbone = backboneTable(config);
  const heads = Object.entries(first).filter(([name]) => !(name in backbone));
  const hasHead = heads.every(([name, { shape }]) => sameShape(found.parameters[name]?.shape ?? [], shape));
  const given = Object.entries(found.parameters).filter(([name]) => hasHead || name in backbone);
  disposeTree({ autoencoder: found.autoencoder.parameters, others: without(found.parameters, given) });
  return startWith(first, Object.fromEntries(given));
}

/** The backbone and the embedding of a Llama; new tokens of the vocabulary are drawn. */
async function startAsTransformer(folder: ModelFolder, config: CalmConfig, first: TensorMap): Promise<Start> {
  const found = await loadTransformer(folder);
  checkKeys(LLAMA_KEYS, config, found.config, folder.directory);
  if (found.config.vocabSize > config.vocabSize)
    throw startVocabulary(folder.directory, folder.tokenizerFile, config.vocabSize, found.config.vocabSize);
  const named = Object.entries(found.parameters).map(
    ([name, tensor]) => [name.replace(/^model\./, 'transformer.'), tensor] as const,
  );
  const given = named.filter(([name]) => name in first);
  disposeTree(without(Object.fromEntries(named), given));
  return startWith(first, Object.fromEntries(given));
}

/** A discrete Transformer that begins as another one. */
export async function startTransformer(
  folder: ModelFolder,
  config: TransformerConfig,
  first: TensorMap,
): Promise<Start> {
  if (!(await isTransformer(folder))) throw startKind(folder.directory, 'a CALM', 'a discrete Transformer');
  const found = await loadTransformer(folder);
  checkVocabulary(folder, config.vocabSize, found.config.vocabSize);
  checkKeys([...LLAMA_KEYS, 'tieWordEmbeddings'], config, found.config, folder.directory);
  return startWith(first, found.parameters);
}

/** An autoencoder that begins as another one. */
export async function startAutoencoder(
  folder: ModelFolder,
  config: AutoencoderConfig,
  first: TensorMap,
): Promise<Start> {
  const found = await loadAutoencoder(folder);
  checkVocabulary(folder, config.vocabSize, found.config.vocabSize);
  checkKeys(AUTOENCODER_KEYS, config, found.config, folder.directory);
  return startWith(first, found.parameters);
}

/** Parameters that are given in place of the drawn ones, which are freed. */
function startWith(first: TensorMap, given: TensorMap): Start {
  const drawn: string[] = [];
  const entries = Object.entries(first).map(([name, value]) => {
    const tensor = given[name];
    if (!tensor) {
      drawn.push(name);
      return [name, value] as const;
    }
    const taken = sameShape(tensor.shape, value.shape) ? tensor : withRowsOf(tensor, value);
    value.dispose();
    return [name, taken] as const;
  });
  return { parameters: Object.fromEntries(entries), drawn };
}

/** The rows of a matrix, and below them those that another one has more. */
function withRowsOf(tensor: tf.Tensor, longer: tf.Tensor): tf.Tensor {
  const [rows, columns] = tensor.shape as [number, number];
  const all = tf.tidy(() => tf.concat([tensor, tf.slice(longer, [rows, 0], [-1, columns])], 0));
  tensor.dispose();
  return all;
}

function without(tensors: TensorMap, kept: readonly (readonly [string, tf.Tensor])[]): TensorMap {
  const names = new Set(kept.map(([name]) => name));
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => !names.has(name)));
}

function checkVocabulary(folder: ModelFolder, wanted: number, found: number): void {
  if (wanted !== found) throw startVocabulary(folder.directory, folder.tokenizerFile, wanted, found);
}

function checkKeys<Key extends string>(
  keys: readonly Key[],
  wanted: Readonly<Record<Key, unknown>>,
  found: Readonly<Record<Key, unknown>>,
  directory: string,
): void {
  const key = keys.find((name) => wanted[name] !== found[name]);
  if (key) throw startDiffers(directory, key, wanted[key], found[key]);
}

async function areSame(one: TensorMap, other: TensorMap): Promise<boolean> {
  for (const [name, tensor] of Object.entries(one)) {
    const counterpart = other[name];
    if (!counterpart || !sameShape(tensor.shape, counterpart.shape)) return false;
    const [a, b] = [await tensor.data(), await counterpart.data()];
    if (a.some((value, i) => value !== b[i])) return false;
  }
  return true;
}
