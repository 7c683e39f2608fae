/** A model as a browser reads it: a model folder of ours with weights in half precision. */

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  languageModelFolder,
  type ModelFolder,
  openWeights,
  type StoredTensor,
  type Weights,
} from '../artifacts/index.ts';
import { loadTokenizer } from '../data/index.ts';
import { tensorMissing, webHeadOfPlugin } from '../errors.ts';
import { findModel, openFound } from '../library/found-model.ts';
import { checkedConfig, transformerSchema } from '../models/config.ts';
import {
  AUTOENCODER_PREFIX,
  autoencoderTable,
  calmTable,
  checkTransformerFolder,
  configsOf,
  countParameters,
  headEntry,
  isTransformer,
  loadHead,
  otherNameOf,
  type ParameterTable,
  readingWeights,
  savedConfig,
  type TransformerConfig,
  transformerTable,
} from '../models/index.ts';
import { codeOfEntry } from '../plugin-entries.ts';
import { bytesBelow, isModelFolder, Run } from '../runs/index.ts';
import type { ModelFacts } from './page-facts.ts';

/** What the page needs of a model's configuration. */
interface Described {
  readonly kind: ModelFacts['kind'];
  /** Config file without its ending → what it says. */
  readonly configs: Readonly<Record<string, object>>;
  readonly numParameters: number;
  readonly vocabSize: number;
  readonly eosTokenId: number | null;
  readonly padTokenId: number | null;
  /** Which tensors it has, by their names in the written file. */
  readonly tables: readonly Part[];
}

interface Part {
  readonly table: ParameterTable;
  readonly prefix: string;
  /** The folder of its weights, where it is not the model's. */
  readonly from?: string | undefined;
}

/** Writes the model of a run, or of a model folder, into a folder that is new. */
export async function writeWebModel(
  path: string,
  directory: string,
  { folder, variant, name = basename(path) }: { folder: string; variant?: string | undefined; name?: string },
): Promise<ModelFacts> {
  const found = await findModel(path, { variant, kinds: [languageModelFolder] });
  const model = await openFound(found);
  try {
    const facts = await writeFolder(model, directory);
    return { folder, name, ...facts, seed: found.seed, ...(await writingOf(path)) };
  } finally {
    model[Symbol.dispose]();
  }
}

async function writeFolder(model: ModelFolder, directory: string) {
  const described = await ((await isTransformer(model)) ? describeTransformer(model) : describeCalm(model));
  const { kind, numParameters, vocabSize } = described;
  const tokenizer = await loadTokenizer(model.tokenizerFile, {
    endOfText: described.eosTokenId ?? undefined,
    pad: described.padTokenId ?? undefined,
    modelVocabSize: vocabSize,
  });
  const written = await languageModelFolder.create(directory);
  await written.writeHalf(described.configs, await tensorsOf(model, described.tables), tokenizer.toFiles());
  const { endOfTextId, padId, beginning } = tokenizer;
  const bytes = await bytesBelow(directory, true);
  return { kind, numParameters, vocabSize, endOfTextId, padId, beginning, bytes };
}

async function describeTransformer(folder: ModelFolder): Promise<Described> {
  const config: TransformerConfig = folder.isForeign
    ? (await checkTransformerFolder(folder.directory)).config
    : await folder.readConfig((file, stated) => checkedConfig(file, transformerSchema, stated));
  const table = transformerTable(config);
  return {
    kind: 'transformer',
    configs: { config },
    numParameters: countParameters(table),
    ...config,
    tables: [{ table, prefix: '' }],
  };
}

async function describeCalm(folder: ModelFolder): Promise<Described> {
  const { config, autoencoder, frozenFrom } = await configsOf(folder);
  if (codeOfEntry(headEntry(config.head.name)) !== undefined)
    throw webHeadOfPlugin(config.head.name, folder.directory);
  const table = calmTable(config, await loadHead(config.head.name));
  const frozen = autoencoderTable(autoencoder);
  const isApart = existsSync(join(frozenFrom, 'config.json'));
  return {
    kind: 'calm',
    configs: { config: savedConfig(config), ae_config: autoencoder },
    numParameters: countParameters(table) + countParameters(frozen),
    ...config,
    tables: [
      { table, prefix: '' },
      { table: frozen, prefix: AUTOENCODER_PREFIX, from: isApart ? frozenFrom : undefined },
    ],
  };
}

async function tensorsOf(folder: ModelFolder, parts: readonly Part[]): Promise<[string, StoredTensor][]> {
  return readingWeights(folder, async (weights) => {
    const found: [string, StoredTensor][] = [];
    for (const { table, prefix, from } of parts) {
      const isInside = from === undefined || weights.has(prefix + Object.keys(table)[0]);
      if (isInside) found.push(...taken(weights, table, prefix, prefix));
      else {
        const apart = await openWeights(from);
        found.push(...taken(apart, table, '', prefix));
        apart.close();
      }
    }
    return found;
  });
}

function taken(
  weights: Weights,
  table: ParameterTable,
  prefix: string,
  named: string,
): [string, StoredTensor][] {
  return Object.keys(table).map((name) => {
    const own = prefix + name;
    const tensor = weights.get(own) ?? weights.get(otherNameOf(own) ?? '');
    if (!tensor) throw tensorMissing(weights.file, own);
    return [named + name, tensor];
  });
}

/** What the texts of a run begin with, and how they were drawn. */
async function writingOf(
  path: string,
): Promise<Pick<ModelFacts, 'prompt' | 'temperature' | 'numCandidates'>> {
  if (isModelFolder(path)) return { prompt: '' };
  const { stages } = await Run.open(path);
  const writing = stages.findLast(({ manifest }) =>
    Object.values(manifest?.labels ?? {}).some(({ texts }) => texts !== undefined),
  );
  const { prompt, temperature, numCandidates } = writing?.manifest?.config ?? {};
  return {
    prompt: typeof prompt === 'string' ? prompt : '',
    ...(typeof temperature === 'number' ? { temperature } : {}),
    ...(typeof numCandidates === 'number' ? { numCandidates } : {}),
  };
}
