/**
 * A trained model as a folder, laid out as Hugging Face does: config.json (snake_case keys of the reference),
 * model.safetensors
 * (the reference's state-dict names), the files of the tokenizer. calm.json beside them carries kind and format version.
 */

import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { artifactVersion } from '../errors.ts';
import { type CheckpointChoice, CheckpointStore } from './checkpoints.ts';
import { readIndex, readJsonAs, writeFileWhole, writeJson } from './files.ts';
import { camelCaseKeys, snakeCaseKeys } from './key-case.ts';
import { type SafetensorsFile, type StoredTensor, writeSafetensors } from './safetensors.ts';
import { linkWeights, OverlaidWeights, openWeights, type Weights } from './weights.ts';

const FORMAT_VERSION = 1;
const TOKENIZERS = ['tokenizer.json', 'tokenizer.model'];
/** What our folders hold beside a tokenizer.json, as far as it is there. */
const BESIDE_TOKENIZER = ['tokenizer_config.json', 'chat_template.jinja'];
const modelIndex = z.looseObject({ formatVersion: z.number(), kind: z.string() });

/**
 * Makes an artifact kind for a model folder.
 * @param tensors names of which the weights of this kind have one and those of other kinds none, by which
 * foreign folders
 *   are told apart
 */
export function modelFolder(name: string, ...tensors: readonly string[]) {
  return Object.freeze({
    name,
    formatVersion: FORMAT_VERSION,
    open: async (directory: string) => {
      const file = join(directory, 'calm.json');
      if (!existsSync(file) && (await isForeign(directory, tensors)))
        return new ModelFolder(directory, name, { isForeign: true });
      const index = await readIndex(file, name, FORMAT_VERSION, modelIndex);
      if (index.kind !== name) throw artifactVersion(file, index.kind, index.kind, FORMAT_VERSION);
      return new ModelFolder(directory, name);
    },
    create: async (directory: string) => new ModelFolder(directory, name),
    discard: (): ModelFolder => new DiscardedModel('', name),
    findIn: (directory: string) => findModel(directory, tensors),
    openCheckpoint: async (directory: string, which: CheckpointChoice) =>
      new ModelFolder(join(directory, UNTRAINED), name, {
        checkpoint: await new CheckpointStore(directory).open(which),
      }),
  });
}

/** Inside a stage's checkpoints: all of the model that is not trained. */
const UNTRAINED = 'model';

/** Whether a folder without our calm.json has weights of a kind. */
async function isForeign(directory: string, tensors: readonly string[]): Promise<boolean> {
  if (!existsSync(join(directory, 'config.json'))) return false;
  const weights = await openWeights(directory).catch(() => undefined);
  try {
    return tensors.some((tensor) => weights?.has(tensor));
  } finally {
    weights?.close();
  }
}

/**
 * Where a model of a kind lies in a folder: it is the folder, or the autoencoder that the folder has or
 * names.
 */
async function findModel(directory: string, tensors: readonly string[]): Promise<string | undefined> {
  for (const candidate of [directory, await autoencoderBeside(directory)])
    if (candidate && (await isForeign(candidate, tensors))) return candidate;
  return undefined;
}

/** The autoencoder of a foreign language model: in a folder of that name, or where `ae_path` says. */
export async function autoencoderBeside(directory: string): Promise<string | undefined> {
  const file = join(directory, 'config.json');
  const { ae_path: named } = existsSync(file) ? await readJsonAs(file, z.looseObject({})) : {};
  const places = ['autoencoder', ...(typeof named === 'string' ? [named] : [])];
  return places
    .map((place) => resolve(directory, place))
    .find((place) => existsSync(join(place, 'config.json')));
}

/** The artifact kind that `train-autoencoder` makes. */
export const autoencoderFolder = modelFolder('autoencoder', 'encoder.squeeze_layer.weight');

/** A tensor that a Llama has, and a CALM has not. */
export const LLAMA_TENSOR = 'model.embed_tokens.weight';

/**
 * The artifact kind that `train-lm` makes: a CALM or a discrete Transformer. The weights of a CALM hold the
 * frozen
 * autoencoder too, under `ae_model.`, so the folder is enough to sample from.
 */
export const languageModelFolder = modelFolder('language-model', 'embed_proj.0.weight', LLAMA_TENSOR);

interface ModelFolderOptions {
  /**
   * As a hub or `calm export` has it: the configuration is the reference's, and is checked when it is loaded.
   */
  readonly isForeign?: boolean;
  /** A checkpoint's tensors, which stand for those of the folder; open until the folder is disposed of. */
  readonly checkpoint?: SafetensorsFile;
}

export class ModelFolder implements Disposable {
  readonly directory: string;
  readonly kind: string;
  readonly isForeign: boolean;
  readonly #checkpoint: SafetensorsFile | undefined;

  constructor(directory: string, kind: string, { isForeign = false, checkpoint }: ModelFolderOptions = {}) {
    this.directory = directory;
    this.kind = kind;
    this.isForeign = isForeign;
    this.#checkpoint = checkpoint;
  }

  /**
   * tokenizer.json; in a foreign folder Llama's tokenizer.model will do, or the tokenizer of its autoencoder.
   */
  get tokenizerFile(): string {
    const own = join(this.directory, 'tokenizer.json');
    if (!this.isForeign) return own;
    const folders = [this.directory, join(this.directory, 'autoencoder')];
    const places = folders.flatMap((folder) => TOKENIZERS.map((name) => join(folder, name)));
    return places.find(existsSync) ?? own;
  }

  get weightsFile(): string {
    return join(this.directory, 'model.safetensors');
  }

  /** Opens its weights, or those of a checkpoint over them. */
  async openWeights(): Promise<Weights> {
    const below = await openWeights(this.directory);
    return this.#checkpoint ? new OverlaidWeights(this.#checkpoint, below) : below;
  }

  [Symbol.dispose](): void {
    this.#checkpoint?.[Symbol.dispose]();
  }

  /**
   * Writes into a stage's checkpoints all of the model that is not trained, so that a checkpoint can be
   * opened.
   */
  async writeUntrained(checkpoints: string, ...given: Parameters<ModelFolder['write']>): Promise<void> {
    const folder = new ModelFolder(join(checkpoints, UNTRAINED), this.kind);
    if (!existsSync(join(folder.directory, 'calm.json'))) await folder.write(...given);
  }

  /**
   * Reads config.json (or `name`.json) with camelCase keys, as it is.
   * @param check makes a configuration of it; given the file, for errors
   */
  async readConfig<T>(
    check: (file: string, stated: Record<string, unknown>) => T,
    name = 'config',
  ): Promise<T> {
    const file = join(this.directory, `${name}.json`);
    return check(file, camelCaseKeys(await readJsonAs(file, z.record(z.string(), z.unknown()))));
  }

  /**
   * Takes over the weights of another folder as they are, in their own type of numbers; `configs` as in
   * `write`.
   * @param tokenizer its files by their names
   * @param pause awaited before each file of weights
   */
  async adopt(
    weightsFrom: string,
    configs: Record<string, object>,
    tokenizer: Readonly<Record<string, string>>,
    pause?: () => Promise<void>,
  ): Promise<void> {
    await linkWeights(weightsFrom, this.directory, pause);
    await this.#writeAround(configs, tokenizer);
  }

  /** Writes the whole folder with weights in half precision; `configs` and `tokenizer` as in `adopt`. */
  async writeHalf(
    configs: Readonly<Record<string, object>>,
    weights: Iterable<readonly [string, StoredTensor]>,
    tokenizer: Readonly<Record<string, string>>,
  ): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await writeSafetensors(this.weightsFile, weights, {}, 'f16');
    await this.#writeAround(configs, tokenizer);
  }

  async #writeAround(
    configs: Readonly<Record<string, object>>,
    tokenizer: Readonly<Record<string, string>>,
  ): Promise<void> {
    for (const [name, config] of Object.entries(configs))
      await writeJson(join(this.directory, `${name}.json`), snakeCaseKeys(config as Record<string, unknown>));
    for (const [name, text] of Object.entries(tokenizer))
      await writeFileWhole(join(this.directory, name), text);
    await writeJson(join(this.directory, 'calm.json'), { formatVersion: FORMAT_VERSION, kind: this.kind });
  }

  /**
   * Writes the whole folder; `configs` maps file names (config, ae_config) to camelCase records.
   * @param tokenizerFile a tokenizer.json; what lies beside it of a tokenizer comes along
   */
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
    for (const name of BESIDE_TOKENIZER) {
      const file = join(dirname(tokenizerFile), name);
      if (existsSync(file)) await copyFile(file, join(this.directory, name));
    }
    await writeJson(join(this.directory, 'calm.json'), { formatVersion: FORMAT_VERSION, kind: this.kind });
  }
}

/** Keeps nothing of what is written. */
class DiscardedModel extends ModelFolder {
  override async writeUntrained(): Promise<void> {}
  override async adopt(): Promise<void> {}
  override async write(): Promise<void> {}
}
