/**
 * A trained model as a folder, laid out as Hugging Face does: config.json (snake_case keys of the reference), model.safetensors
 * (the reference's state-dict names), tokenizer.json. calm.json beside them carries kind and format version.
 */

import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { artifactVersion } from '../errors.ts';
import { readIndex, readJsonAs, writeFileWhole, writeJson } from './files.ts';
import { type StoredTensor, writeSafetensors } from './safetensors.ts';
import { linkWeights } from './weights.ts';

const FORMAT_VERSION = 1;
const modelIndex = z.looseObject({ formatVersion: z.number(), kind: z.string() });

/** Makes an artifact kind for a model folder. */
export function modelFolder(name: string) {
  return Object.freeze({
    name,
    formatVersion: FORMAT_VERSION,
    open: async (directory: string) => {
      const file = join(directory, 'calm.json');
      const index = await readIndex(file, name, FORMAT_VERSION, modelIndex);
      if (index.kind !== name) throw artifactVersion(file, index.kind, index.kind, FORMAT_VERSION);
      return new ModelFolder(directory, name);
    },
    create: async (directory: string) => new ModelFolder(directory, name),
  });
}

/** The artifact kind that `train-autoencoder` makes. */
export const autoencoderFolder = modelFolder('autoencoder');

/** The artifact kind that `train-lm` makes. Its weights hold the frozen autoencoder too, under `ae_model.`, so the folder is enough to sample from. */
export const languageModelFolder = modelFolder('language-model');

/** The artifact kind that `train-baseline` makes: a Llama over tokens. */
export const transformerFolder = modelFolder('transformer');

export class ModelFolder {
  readonly directory: string;
  readonly kind: string;

  constructor(directory: string, kind: string) {
    this.directory = directory;
    this.kind = kind;
  }

  get tokenizerFile(): string {
    return join(this.directory, 'tokenizer.json');
  }

  get weightsFile(): string {
    return join(this.directory, 'model.safetensors');
  }

  /** Reads config.json (or `name`.json) with camelCase keys, as it is. @param check makes a configuration of it; given the file, for errors */
  async readConfig<T>(
    check: (file: string, stated: Record<string, unknown>) => T,
    name = 'config',
  ): Promise<T> {
    const file = join(this.directory, `${name}.json`);
    return check(file, camelCaseKeys(await readJsonAs(file, z.record(z.string(), z.unknown()))));
  }

  /**
   * Takes over the weights of another folder as they are, in their own type of numbers; `configs` as in `write`.
   * @param pause awaited before each file of weights
   */
  async adopt(
    weightsFrom: string,
    configs: Record<string, object>,
    tokenizerJson: string,
    pause?: () => Promise<void>,
  ): Promise<void> {
    await linkWeights(weightsFrom, this.directory, pause);
    for (const [name, config] of Object.entries(configs))
      await writeJson(join(this.directory, `${name}.json`), snakeCaseKeys(config as Record<string, unknown>));
    await writeFileWhole(this.tokenizerFile, tokenizerJson);
    await writeJson(join(this.directory, 'calm.json'), { formatVersion: FORMAT_VERSION, kind: this.kind });
  }

  /** Writes the whole folder; `configs` maps file names (config, ae_config) to camelCase records. */
  async write(
    configs: Record<string, object>,
    weights: Iterable<readonly [string, StoredTensor]>,
    tokenizerFile: string,
  ): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await writeSafetensors(this.weightsFile, weights);
    for (const [name, config] of Object.entries(configs))
      await writeJson(join(this.directory, `${name}.json`), snakeCaseKeys(config as Record<string, unknown>));
    await copyFile(tokenizerFile, this.tokenizerFile);
    await writeJson(join(this.directory, 'calm.json'), { formatVersion: FORMAT_VERSION, kind: this.kind });
  }
}

/** hidden_size → hiddenSize, for every key. */
export function camelCaseKeys(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [
      key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

/** hiddenSize → hidden_size, for every key. */
export function snakeCaseKeys(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
