/** What the samples of a prompt depend on, as it is kept with them. */

import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { weightFiles } from 'calm-lm/artifacts';
import { DEFAULT_CANDIDATES, DEFAULT_DRAW_BUDGET, SAMPLERS } from 'calm-lm/sampling';
import type { z } from 'zod';
import type { config as schema } from './config.ts';
import type { Settings } from './results.ts';

type Config = z.infer<typeof schema>;

const KEYS = [
  'temperature',
  'maxTokens',
  'numSamples',
  'sampler',
  'numCandidates',
  'drawBudget',
  'topK',
  'topP',
] as const;

/** What a CALM's options are where they are absent. */
const OF_SAMPLES = {
  sampler: SAMPLERS[0],
  numCandidates: DEFAULT_CANDIDATES,
  drawBudget: DEFAULT_DRAW_BUDGET,
} as const;

/** The options that were not given, filled in for a model that gives samples alone. */
export function withDefaults(config: Config, hasLikelihood: boolean): Config {
  const given = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
  return hasLikelihood ? config : ({ ...OF_SAMPLES, ...given } as Config);
}

/** @param seed that is used, the run's where the stage has none of its own */
export async function settingsOf(config: Config, seed: number, modelDirectory: string): Promise<Settings> {
  const given = KEYS.flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]] as const]));
  const sampling = Object.entries(config.headSampling ?? {}).map(
    ([option, value]) => [`headSampling.${option}`, value] as const,
  );
  const { stop } = config;
  return {
    model: await modelPrint(modelDirectory),
    seed,
    ...Object.fromEntries([...given, ...sampling]),
    ...(config.chat ? { chat: 'yes' } : {}),
    // Without braces, by which the end of the settings is found in a line.
    ...(stop ? { stop: JSON.stringify(stop).replace(/[{}]/g, (brace) => escaped(brace)) } : {}),
  };
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Enough to tell models apart: training moves every weight. */
const BLOCKS = 64;
const BLOCK_BYTES = 2 ** 14;

/**
 * A short name for a model by what its files hold. Of large files the size and evenly spread blocks count.
 */
async function modelPrint(directory: string): Promise<string> {
  const hash = createHash('sha256');
  const inside = join(directory, 'autoencoder');
  const files = [
    ...['config.json', 'ae_config.json', 'tokenizer.json'].map((name) => join(directory, name)),
    ...(await weightFiles(directory)).map((name) => join(directory, name)),
    ...(existsSync(inside) ? (await weightFiles(inside)).map((name) => join(inside, name)) : []),
  ];
  for (const file of files) if (existsSync(file)) for (const block of blocksOf(file)) hash.update(block);
  return hash.digest('hex').slice(0, 16);
}

function* blocksOf(file: string): Generator<string | Uint8Array> {
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    yield `${size}:`;
    const step = Math.max(BLOCK_BYTES, Math.floor(size / BLOCKS));
    for (let at = 0; at < size; at += step) {
      const block = new Uint8Array(BLOCK_BYTES);
      yield block.subarray(0, readSync(handle, block, 0, BLOCK_BYTES, at));
    }
  } finally {
    closeSync(handle);
  }
}
