import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type autoencoderFolder,
  type languageModelFolder,
  type ModelFolder,
  type StoredTensor,
  snakeCaseKeys,
  writeJson,
  writeSafetensors,
} from 'calm-lm/artifacts';
import { exportTargetExists, nothingToExport } from 'calm-lm/errors';
import {
  AUTOENCODER_FOLDER,
  AUTOENCODER_PREFIX,
  type Autoencoder,
  autoencoderTable,
  calmTable,
  countParameters,
  headEntry,
  type LanguageModel,
  loadAutoencoder,
  loadLanguageModel,
  otherNameOf,
  savedConfig,
  storeParameters,
} from 'calm-lm/models';
import type { OptionalPort, StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config } from './config.ts';

type Inputs = {
  model: OptionalPort<typeof languageModelFolder>;
  autoencoder: OptionalPort<typeof autoencoderFolder>;
};
type Context = StageContext<z.infer<typeof config>, Inputs, Record<never, never>>;

/**
 * Keys of a Llama's config.json that the reference's classes expect and that are the same in all our models.
 */
const LLAMA_KEYS = {
  hidden_act: 'silu',
  attention_bias: false,
  attention_dropout: 0,
  mlp_bias: false,
  rope_scaling: null,
  tie_word_embeddings: false,
  use_cache: true,
};

/** Written aside and renamed: the folder is whole or absent. */
export async function run(context: Context): Promise<void> {
  const { inputs, config, report } = context;
  const target = resolve(config.to);
  if (existsSync(target)) throw exportTargetExists(target);
  if (!inputs.model && !inputs.autoencoder) throw nothingToExport();
  await context.engine();
  const partial = `${target}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  try {
    if (inputs.model) await exportModel(await loadLanguageModel(inputs.model), inputs.model, partial);
    else if (inputs.autoencoder)
      await exportAutoencoder(await loadAutoencoder(inputs.autoencoder), inputs.autoencoder, partial);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  report.note(`written: ${target}`);
  report.summary({ folder: target });
}

/**
 * The model with its frozen autoencoder inside, as the reference saves it, and the autoencoder's own folder,
 * which `ae_path` names.
 */
async function exportModel(model: LanguageModel, folder: ModelFolder, directory: string): Promise<void> {
  const { config, parameters, autoencoder, head } = model;
  const own = await withAliases(parameters);
  const frozen = await withAliases(autoencoder.parameters, AUTOENCODER_PREFIX);
  await writeSafetensors(join(directory, 'model.safetensors'), [...own, ...frozen]);
  const { name, architecture = name } = headEntry(config.head.name);
  await writeJson(join(directory, 'config.json'), {
    ...snakeCaseKeys(savedConfig(config)),
    ...LLAMA_KEYS,
    ae_path: `./${AUTOENCODER_FOLDER}`,
    architectures: [architecture],
    torch_dtype: 'float32',
  });
  await copyFile(folder.tokenizerFile, join(directory, 'tokenizer.json'));
  await mkdir(join(directory, AUTOENCODER_FOLDER));
  await exportAutoencoder(autoencoder, folder, join(directory, AUTOENCODER_FOLDER));
  const facts = [
    `- head: ${name}; K = ${config.patchSize} tokens a vector; latent size ${config.latentSize}`,
    `- ${countParameters(calmTable(config, head))} parameters, and ` +
      `${countParameters(autoencoderTable(autoencoder.config))} of the frozen autoencoder`,
    `- Transformer: ${config.numHiddenLayers} layers, hidden ${config.hiddenSize}, ` +
      `${config.numAttentionHeads} heads; vocabulary ${config.vocabSize}`,
  ];
  await writeFile(join(directory, 'README.md'), modelCard('Continuous Autoregressive Language Model', facts));
}

async function exportAutoencoder(
  { config, parameters }: Autoencoder,
  folder: ModelFolder,
  directory: string,
): Promise<void> {
  await writeSafetensors(join(directory, 'model.safetensors'), await withAliases(parameters));
  await writeJson(join(directory, 'config.json'), {
    ...snakeCaseKeys({ ...config }),
    hidden_act: 'silu',
    architectures: ['Autoencoder'],
    torch_dtype: 'float32',
  });
  await copyFile(folder.tokenizerFile, join(directory, 'tokenizer.json'));
  const facts = [
    `- ${config.variant}; K = ${config.patchSize} tokens a vector; latent size ${config.latentSize}`,
    `- ${countParameters(autoencoderTable(config))} parameters; vocabulary ${config.vocabSize}`,
  ];
  await writeFile(
    join(directory, 'README.md'),
    modelCard('Autoencoder of a Continuous Autoregressive Language Model', facts),
  );
}

/**
 * Parameters under both names where the reference ties them: its loader looks for the one that safetensors
 * would leave out.
 */
async function withAliases(
  parameters: LanguageModel['parameters'],
  prefix = '',
): Promise<[string, StoredTensor][]> {
  const stored = await storeParameters(parameters, prefix);
  return stored.flatMap(([name, tensor]) => {
    const other = otherNameOf(name);
    return other
      ? [[name, tensor] as [string, StoredTensor], [other, tensor] as [string, StoredTensor]]
      : [[name, tensor] as [string, StoredTensor]];
  });
}

function modelCard(title: string, facts: readonly string[]): string {
  return (
    `---\ntags: [calm, continuous-autoregressive-language-model]\n---\n\n# ` +
    `${title}\n\n${facts.join('\n')}\n\nWritten by \`calm export\` of calm-lm. The method: arXiv ` +
    `2510.27688.\n`
  );
}
