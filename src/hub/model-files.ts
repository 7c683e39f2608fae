/** Which files of a model are needed: its configuration, its tokenizer, and its weights in one form. */

import type { HubAddress } from './address.ts';
import type { HubFile } from './cached.ts';

/** What an address is for: all of a model, or its tokenizer alone. */
export type ModelUse = 'model' | 'tokenizer';

const TOKENIZER =
  /^(tokenizer[^/]*\.(json|model)|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|chat_template\.\w+)$/;
const CONFIG = /^(generation_)?config\.json$/;
/** Some repositories hold the same weights once more as consolidated.safetensors. */
const SAFETENSORS = /^model[^/]*\.safetensors(\.index\.json)?$/;
const PICKLES = /^pytorch_model[^/]*\.bin(\.index\.json)?$/;

/** Those of the repository, or of the folder in it that the address names, and of autoencoder/ in there. */
export function modelFiles(
  { path }: HubAddress,
  files: readonly HubFile[],
  use: ModelUse,
): readonly HubFile[] {
  const named = files.filter((file) => file.path === path);
  if (named.length > 0) return named;
  const folder = path ? `${path}/` : '';
  const chosen = filesIn(folder, files, use);
  return use === 'tokenizer' ? chosen : [...chosen, ...filesIn(`${folder}autoencoder/`, files, use)];
}

function filesIn(folder: string, files: readonly HubFile[], use: ModelUse): HubFile[] {
  const inside = files.filter((file) => file.path.startsWith(folder));
  const withName = (pattern: RegExp) => inside.filter(({ path }) => pattern.test(path.slice(folder.length)));
  const small = [...withName(TOKENIZER), ...withName(CONFIG)];
  if (use === 'tokenizer') return small;
  const safe = withName(SAFETENSORS);
  return [...small, ...(safe.length > 0 ? safe : withName(PICKLES))];
}
