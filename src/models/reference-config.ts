/** Configurations of Hugging Face folders as ours: what they say that we know, what they say that changes the mathematics, and what neither does. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { camelCaseKeys } from '../artifacts/index.ts';
import { artifactBroken, artifactMissing, configUnsupported } from '../errors.ts';
import { configure } from './config.ts';

/** Keys that change nothing here, with the only values that they may have where another would change the mathematics. */
const SILENT: Readonly<Record<string, readonly unknown[] | undefined>> = {
  hiddenAct: ['silu'],
  attentionBias: [false],
  mlpBias: [false],
  ropeScaling: [null],
  attentionDropout: [0],
  attentionInit: undefined,
  aePath: undefined,
  architectures: undefined,
  autoMap: undefined,
  bosTokenId: undefined,
  dtype: undefined,
  headDim: undefined,
  maxPositionEmbeddings: undefined,
  modelType: undefined,
  pretrainingTp: undefined,
  tieWordEmbeddings: undefined,
  torchDtype: undefined,
  transformersVersion: undefined,
  useCache: undefined,
};

export interface ReferenceConfig<Config> {
  readonly config: Config;
  /** Keys that nothing here knows. */
  readonly unknown: readonly string[];
}

/** Reads config.json of a folder over defaults. A value that another model would be needed for is an error. */
export async function readReferenceConfig<Config extends object>(directory: string, defaults: Config): Promise<ReferenceConfig<Config>> {
  const file = join(directory, 'config.json');
  const text = await readFile(file, 'utf8').catch(() => {
    throw artifactMissing(file);
  });
  let stated: Record<string, unknown>;
  try {
    stated = camelCaseKeys(JSON.parse(text) as Record<string, unknown>);
  } catch (error) {
    throw artifactBroken(file, 'it is not valid JSON', error);
  }
  for (const [key, allowed] of Object.entries(SILENT)) {
    if (allowed && stated[key] !== undefined && !allowed.includes(stated[key])) throw configUnsupported(file, key, stated[key], allowed[0]);
  }
  const known = Object.fromEntries(Object.entries(stated).filter(([key]) => key in defaults));
  for (const [key, value] of Object.entries(known)) {
    const standard = defaults[key as keyof Config];
    if (typeof standard === 'number' && (typeof value !== 'number' || !Number.isFinite(value) || value < 0))
      throw configUnsupported(file, key, value, 'a number');
  }
  const unknown = Object.keys(stated).filter((key) => !(key in defaults) && !(key in SILENT));
  return { config: configure(defaults, known), unknown };
}
