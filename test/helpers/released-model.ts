/** The golden model as the folders that a release has. */

import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, type StoredTensor, writeSafetensors } from 'calm-lm/artifacts';
import { ROOT } from './cli.ts';

export const GOLDEN = join(ROOT, 'test/golden/03_calm_energy');

/** A tokenizer of 51 letters, end-of-text and padding, as the golden model has ids. */
const TOKENIZER = {
  version: '1.0',
  added_tokens: [
    {
      id: 51,
      content: '<|endoftext|>',
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    },
    {
      id: 52,
      content: '[PAD]',
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    },
  ],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: {
    type: 'BPE',
    vocab: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [String.fromCharCode(65 + i), i])),
    merges: [],
  },
};

export interface Folders {
  readonly model: string;
  readonly autoencoder: string;
}

/** The golden model as two Hugging Face folders; `pick` chooses what the model's file holds. */
export async function writeFolders(
  folder: string,
  pick: (name: string) => boolean = () => true,
): Promise<Folders> {
  const [model, autoencoder] = [join(folder, 'calm'), join(folder, 'ae')];
  const all = [...(await readSafetensors(join(GOLDEN, 'weights.safetensors')))];
  for (const directory of [model, autoencoder]) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify(TOKENIZER));
  }
  const config = JSON.parse(readFileSync(join(GOLDEN, 'config.json'), 'utf8'));
  writeFileSync(
    join(model, 'config.json'),
    JSON.stringify({ ...config, ae_path: '/somewhere/else', model_type: '', surprise: 1 }),
  );
  cpSync(join(GOLDEN, 'ae_config.json'), join(autoencoder, 'config.json'));
  const frozen = all.flatMap(([name, tensor]) =>
    name.startsWith('ae_model.') ? [[name.slice('ae_model.'.length), tensor] as [string, StoredTensor]] : [],
  );
  await writeSafetensors(
    join(autoencoder, 'model.safetensors'),
    frozen.filter(([name]) => name !== 'decoder.lm_head_weight'),
  );
  await writeSafetensors(
    join(model, 'model.safetensors'),
    all.filter(([name]) => pick(name)),
  );
  return { model, autoencoder };
}
