/**
 * Addresses on the Hugging Face hub: `hf:owner/name` for a model, `hf:datasets/owner/name` for texts, with
 * `@revision`, a path or pattern inside, and for texts `?config=…&split=…`. `hf://` means the same.
 */

import { hubAddressWrong } from '../errors.ts';

export interface HubAddress {
  readonly type: 'model' | 'dataset';
  /** `owner/name`. */
  readonly name: string;
  /** A branch, tag or commit. */
  readonly revision: string;
  /** A file, folder or pattern in the repository; empty for all of it. */
  readonly path: string;
  /** Of a data set that has several configurations. */
  readonly config?: string;
  /** Of a data set; several are joined by `+`. */
  readonly split?: string;
  /** As it was written. */
  readonly text: string;
}

const PREFIX = /^hf:(\/\/)?/;
/** Owner and name, the revision (of whose names some have slashes), and the rest. */
const PLACE = /^([\w.-]+\/[\w.-]+)(?:@(refs\/(?:pr|convert)\/[^/]+|~parquet|[^/]+))?(?:\/(.*))?$/;
const QUERY = /\?((?:config|split)=[^?]*)$/;

/** Whether a text is meant as an address on the hub. */
export function isHubAddress(text: string): boolean {
  return PREFIX.test(text);
}

/** @throws CALM_HUB_ADDRESS where it begins like an address and is none */
export function parseHubAddress(text: string): HubAddress {
  const whole = text.replace(PREFIX, '');
  const query = new URLSearchParams((QUERY.exec(whole)?.[1] ?? '').replaceAll('+', '%2B'));
  const place = whole.replace(QUERY, '');
  const isDataset = place.startsWith('datasets/');
  const found = PLACE.exec(place.replace(/^(datasets|models)\//, ''));
  if (!found) throw hubAddressWrong(text, 'it has no owner/name');
  const [, name = '', revision = 'main', path = ''] = found;
  if (path.split('/').includes('..')) throw hubAddressWrong(text, 'its path leads out of the repository');
  const unknown = [...query.keys()].find((key) => key !== 'config' && key !== 'split');
  if (unknown !== undefined) throw hubAddressWrong(text, `"${unknown}" is neither config nor split`);
  if (query.size > 0 && !isDataset)
    throw hubAddressWrong(text, 'a model has no configurations and no splits');
  if (query.size > 0 && path) throw hubAddressWrong(text, 'a path and a split are two ways to say the same');
  const [config, split] = [query.get('config'), query.get('split')];
  return {
    type: isDataset ? 'dataset' : 'model',
    name,
    revision: revision === '~parquet' ? 'refs/convert/parquet' : revision,
    path: path.replace(/\/$/, ''),
    ...(config ? { config } : {}),
    ...(split ? { split } : {}),
    text,
  };
}
