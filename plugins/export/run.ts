import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
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
import { loadTokenizer, type Tokenizer } from 'calm-lm/data';
import { exportTargetExists, nothingToExport } from 'calm-lm/errors';
import {
  AUTOENCODER_FOLDER,
  AUTOENCODER_PREFIX,
  type Autoencoder,
  autoencoderTable,
  calmTable,
  countParameters,
  headEntry,
  isTransformer,
  type LanguageModel,
  loadAutoencoder,
  loadLanguageModel,
  loadTransformer,
  otherNameOf,
  savedConfig,
  storeParameters,
  type Transformer,
  transformerTable,
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
    if (inputs.model) await exportLanguageModel(inputs.model, { partial, target });
    else if (inputs.autoencoder) await exportAutoencoderOf(inputs.autoencoder, partial);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  report.note(`written: ${target}`);
  report.summary({ folder: target });
}

/** Where an export is written, and where it is going to stand. */
interface Place {
  readonly partial: string;
  readonly target: string;
}

async function exportLanguageModel(folder: ModelFolder, place: Place): Promise<void> {
  if (await isTransformer(folder)) {
    const model = await loadTransformer(folder);
    await exportTransformer(model, await tokenizerOf(folder, model.config), place.partial);
  } else {
    const model = await loadLanguageModel(folder);
    await exportCalm(model, await tokenizerOf(folder, model.config), place);
  }
}

async function exportAutoencoderOf(folder: ModelFolder, directory: string): Promise<void> {
  const autoencoder = await loadAutoencoder(folder);
  await exportAutoencoder(autoencoder, await tokenizerOf(folder, autoencoder.config), directory);
}

/** The tokenizer of a folder, with the special tokens that its model knows. */
function tokenizerOf(
  folder: ModelFolder,
  model: {
    readonly eosTokenId: number | null;
    readonly padTokenId: number | null;
    readonly vocabSize: number;
  },
): Promise<Tokenizer> {
  return loadTokenizer(folder.tokenizerFile, {
    endOfText: model.eosTokenId ?? undefined,
    pad: model.padTokenId ?? undefined,
    modelVocabSize: model.vocabSize,
  });
}

async function writeTokenizer(tokenizer: Tokenizer, directory: string): Promise<void> {
  for (const [name, text] of Object.entries(tokenizer.toFiles()))
    await writeFile(join(directory, name), text);
}

/** What config.json says of special tokens. The embedding of padding is never trained, that of another is. */
const specialIds = ({ beginning, endOfTextId, padId }: Tokenizer) => ({
  bos_token_id: beginning[0] ?? endOfTextId,
  eos_token_id: endOfTextId,
  pad_token_id: padId === endOfTextId ? null : padId,
});

/** A LlamaForCausalLM. */
async function exportTransformer(
  { config, parameters }: Transformer,
  tokenizer: Tokenizer,
  directory: string,
): Promise<void> {
  await writeSafetensors(join(directory, 'model.safetensors'), await storeParameters(parameters));
  await writeJson(join(directory, 'config.json'), {
    ...LLAMA_KEYS,
    ...snakeCaseKeys({ ...config }),
    ...specialIds(tokenizer),
    architectures: ['LlamaForCausalLM'],
    torch_dtype: 'float32',
  });
  await writeTokenizer(tokenizer, directory);
  const facts = [
    `- ${countParameters(transformerTable(config))} parameters; vocabulary ${config.vocabSize}`,
    `- ${transformerFact(config)}`,
  ];
  await writeFile(join(directory, 'README.md'), modelCard('Discrete Transformer', facts));
}

const transformerFact = (config: Transformer['config'] | LanguageModel['config']) =>
  `Transformer: ${config.numHiddenLayers} layers, hidden ${config.hiddenSize}, ` +
  `${config.numAttentionHeads} heads`;

/**
 * The model with its frozen autoencoder inside, as the reference saves it, and the autoencoder's own folder,
 * which `ae_path` names.
 */
async function exportCalm(
  model: LanguageModel,
  tokenizer: Tokenizer,
  { partial: directory, target }: Place,
): Promise<void> {
  const { config, parameters, autoencoder, head } = model;
  const own = await withAliases(parameters);
  const frozen = await withAliases(autoencoder.parameters, AUTOENCODER_PREFIX);
  await writeSafetensors(join(directory, 'model.safetensors'), [...own, ...frozen]);
  const { name, architecture = name } = headEntry(config.head.name);
  await writeJson(join(directory, 'config.json'), {
    ...snakeCaseKeys(savedConfig(config)),
    ...LLAMA_KEYS,
    ...specialIds(tokenizer),
    // The reference takes it from where it is started, so only a whole path holds everywhere.
    ae_path: join(target, AUTOENCODER_FOLDER),
    architectures: [architecture],
    torch_dtype: 'float32',
  });
  await writeTokenizer(tokenizer, directory);
  await mkdir(join(directory, AUTOENCODER_FOLDER));
  await exportAutoencoder(autoencoder, tokenizer, join(directory, AUTOENCODER_FOLDER));
  const facts = [
    `- head: ${name}; K = ${config.patchSize} tokens a vector; latent size ${config.latentSize}`,
    `- ${countParameters(calmTable(config, head))} parameters, and ` +
      `${countParameters(autoencoderTable(autoencoder.config))} of the frozen autoencoder`,
    `- ${transformerFact(config)}; vocabulary ${config.vocabSize}`,
  ];
  const card = modelCard('Continuous Autoregressive Language Model', facts, afterAMove(architecture));
  await writeFile(join(directory, 'README.md'), card);
}

async function exportAutoencoder(
  { config, parameters }: Autoencoder,
  tokenizer: Tokenizer,
  directory: string,
): Promise<void> {
  await writeSafetensors(join(directory, 'model.safetensors'), await withAliases(parameters));
  await writeJson(join(directory, 'config.json'), {
    ...snakeCaseKeys({ ...config }),
    ...specialIds(tokenizer),
    hidden_act: 'silu',
    architectures: ['Autoencoder'],
    torch_dtype: 'float32',
  });
  await writeTokenizer(tokenizer, directory);
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

/** How the reference is told where the autoencoder is. */
const afterAMove = (architecture: string) => `
\`ae_path\` in config.json is where this folder was written. calm looks into \`autoencoder/\` first; after a move
the Python reference is told, as its training script does with \`--ae_name_or_path\`:

\`\`\`python
config = CALMConfig.from_pretrained(folder, ae_path=f"{folder}/autoencoder")
model = ${architecture}.from_pretrained(folder, config=config)
\`\`\`
`;

function modelCard(title: string, facts: readonly string[], more = ''): string {
  return (
    `---\ntags: [calm, continuous-autoregressive-language-model]\n---\n\n# ` +
    `${title}\n\n${facts.join('\n')}\n${more}\nWritten by \`calm export\` of calm-lm. The method: arXiv ` +
    `2510.27688.\n`
  );
}
