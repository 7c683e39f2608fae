/**
 * Which files of a data set are meant: by a pattern, or by the configurations and splits that its card states
 * (https://huggingface.co/docs/hub/datasets-manual-configuration), or that the names of its files say.
 */

import { Minimatch } from 'minimatch';
import { parse } from 'yaml';
import { hubConfigUnknown, hubSplitUnknown } from '../errors.ts';
import type { HubAddress } from './address.ts';
import type { HubFile } from './cached.ts';

export interface DataFiles {
  readonly files: readonly HubFile[];
  /** Worth knowing, where less than everything is taken and nobody said so. */
  readonly note?: string;
}

/** What `datasets` takes for the split of a file's name; the rest of the names decides nothing. */
const SPLITS: readonly (readonly [split: string, words: string])[] = [
  ['train', 'train|training'],
  ['validation', 'validation|valid|dev|val'],
  ['test', 'test|testing|eval|evaluation'],
];
/** Never data: cards, code, what git and the hub keep. */
const NO_DATA =
  /(^|\/)(\.[^/]*|README\.md|LICENSE[^/]*|dataset_infos?\.json|[^/]+\.(py|png|jpe?g|gif|svg|pdf))$/i;

/**
 * @param card README.md, where there is one; read where the address names no path
 * @returns files sorted by path; none where a pattern fits none
 */
export function dataFiles(
  address: HubAddress,
  all: readonly HubFile[],
  card: () => string | undefined,
): DataFiles {
  const sorted = [...all].sort((a, b) => (a.path < b.path ? -1 : 1));
  if (address.path) return { files: ofPath(sorted, address.path) };
  const splits = splitsOf(address, sorted, card());
  const names = Object.keys(splits);
  if (names.length === 0) {
    if (address.split) throw hubSplitUnknown(address.text, address.split, []);
    return { files: sorted.filter(({ path }) => !NO_DATA.test(path)) };
  }
  const [first = ''] = names;
  const isChosen = address.split !== undefined;
  const chosen = (address.split ?? ('train' in splits ? 'train' : first)).split('+');
  const unknown = chosen.find((name) => !(name in splits));
  if (unknown !== undefined) throw hubSplitUnknown(address.text, unknown, names);
  const others = names.filter((name) => !chosen.includes(name));
  return {
    files: chosen.flatMap((name) => splits[name] ?? []),
    ...(isChosen || others.length === 0
      ? {}
      : {
          note: `${address.text}: the split ${chosen.join()} is taken; ?split= also has ${others.join(', ')}`,
        }),
  };
}

/** What a path names: a file, a folder's files, or what fits a pattern. */
function ofPath(files: readonly HubFile[], path: string): HubFile[] {
  const isNamed = (file: HubFile) => file.path === path || file.path.startsWith(`${path}/`);
  const named = files.filter(isNamed);
  if (named.length > 0) return named;
  const matcher = new Minimatch(path, { nonegate: true, nocomment: true });
  return files.filter((file) => matcher.match(file.path));
}

type Splits = Readonly<Record<string, readonly HubFile[]>>;

/** The files of each split of the configuration that is meant; empty where nothing says so. */
function splitsOf(address: HubAddress, files: readonly HubFile[], card: string | undefined): Splits {
  const configs = configsOf(card);
  const names = configs.map(({ name }) => name);
  const wanted =
    address.config === undefined
      ? (configs.find(({ isDefault }) => isDefault) ?? (configs.length === 1 ? configs[0] : undefined))
      : configs.find(({ name }) => name === address.config);
  if (!wanted && (configs.length > 0 || address.config !== undefined))
    throw hubConfigUnknown(address.text, address.config, names);
  if (!wanted) return splitsByName(files);
  const splits: Record<string, readonly HubFile[]> = {};
  for (const { split, patterns } of wanted.data) {
    const found = patterns.flatMap((pattern) => ofPath(files, pattern.replace(/^\.\//, '')));
    splits[split] = [...new Set([...(splits[split] ?? []), ...found])];
  }
  return Object.keys(splits).length > 0 ? splits : splitsByName(files);
}

/** `train-00000-of-00002.parquet`, `data/test.csv`, `validation/a.jsonl`. */
function splitsByName(files: readonly HubFile[]): Splits {
  const data = files.filter(({ path }) => !NO_DATA.test(path));
  const splits = SPLITS.map(([split, words]) => {
    const named = new RegExp(`(^|[^a-z])(${words})([^a-z]|$)`, 'i');
    return [split, data.filter(({ path }) => named.test(path))] as const;
  });
  return Object.fromEntries(splits.filter(([, found]) => found.length > 0));
}

interface CardConfig {
  readonly name: string;
  readonly isDefault: boolean;
  readonly data: readonly { readonly split: string; readonly patterns: readonly string[] }[];
}

/** The configurations of a card; those that can't be read count as not there. */
function configsOf(card: string | undefined): CardConfig[] {
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card ?? '')?.[1];
  const { configs } = objectOf(front && safely(() => parse(front) as unknown));
  if (!Array.isArray(configs)) return [];
  return configs.map(objectOf).map(({ config_name: name, default: isDefault, data_files: data }) => ({
    name: String(name ?? 'default'),
    isDefault: isDefault === true || name === 'default',
    data: listOf(data).map((entry) => {
      if (typeof entry === 'string') return { split: 'train', patterns: [entry] };
      const { split, path } = objectOf(entry);
      return { split: String(split ?? 'train'), patterns: listOf(path).map(String) };
    }),
  }));
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}
