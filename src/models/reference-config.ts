/**
 * Configurations of Hugging Face folders as ours: what they say that we know, what they say that changes the
 * mathematics, and what neither does.
 */

import { join } from 'node:path';
import { z } from 'zod';
import { camelCaseKeys, readJsonAs } from '../artifacts/index.ts';
import { configUnsupported } from '../errors.ts';
import { readRope } from './rope-parameters.ts';

/**
 * Keys that change nothing here, with the only values that they may have where another would change the
 * mathematics.
 */
const SILENT: Readonly<Record<string, readonly unknown[] | undefined>> = {
  hiddenAct: ['silu'],
  attentionBias: [false],
  mlpBias: [false],
  partialRotaryFactor: [1],
  ropeParameters: undefined,
  ropeScaling: undefined,
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
  NameOrPath: undefined,
  pretrainingTp: undefined,
  tieWordEmbeddings: undefined,
  torchDtype: undefined,
  transformersVersion: undefined,
  useCache: undefined,
};

export interface ReferenceConfig {
  /** The file. */
  readonly file: string;
  /** What it says, in camelCase. */
  readonly stated: Readonly<Record<string, unknown>>;
  /** Keys that nothing here knows. */
  readonly unknown: readonly string[];
}

/**
 * Reads config.json of a folder. A value that another model would be needed for is an error.
 * @param known the model's own keys
 */
export async function readReferenceConfig(
  directory: string,
  known: readonly string[],
): Promise<ReferenceConfig> {
  const file = join(directory, 'config.json');
  const stated = camelCaseKeys(await readJsonAs(file, z.record(z.string(), z.unknown())));
  for (const [key, allowed] of Object.entries(SILENT)) {
    if (allowed && stated[key] !== undefined && !allowed.includes(stated[key]))
      throw configUnsupported(file, key, stated[key], allowed[0]);
  }
  const unknown = Object.keys(stated).filter((key) => !known.includes(key) && !(key in SILENT));
  return { file, stated, unknown: [...unknown, ...readRope(file, stated).unknown] };
}
