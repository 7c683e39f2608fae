/** A model as a folder for any web server: the page, its code, weights and tokenizer. */

import { existsSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeJson } from '../artifacts/index.ts';
import { exportTargetExists, webPageMissing } from '../errors.ts';
import { bytesBelow } from '../runs/index.ts';
import type { ModelFacts, PageFacts } from './page-facts.ts';
import { writeWebModel } from './web-model.ts';

/** A run or model folder, and which of its models. */
export interface WebSource {
  readonly path: string;
  readonly variant?: string | undefined;
}

/** Where the built page lies: beside the compiled sources. */
export function webPageFolder(): string {
  const places = ['../../web/', '../../dist/web/'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = places.find((place) => existsSync(join(place, 'index.html')));
  if (found === undefined) throw webPageMissing();
  return found;
}

/**
 * Writes the folder whole or not at all.
 * @param sources the model in the middle of the page, and those that are shown beside it
 */
export async function writeWebFolder(
  sources: readonly WebSource[],
  target: string,
): Promise<{ models: readonly ModelFacts[]; bytes: number }> {
  if (existsSync(target)) throw exportTargetExists(target, '--to-web');
  const page = webPageFolder();
  const partial = `${target}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  try {
    await cp(page, partial, { recursive: true });
    const models: ModelFacts[] = [];
    for (const [i, { path, variant }] of sources.entries()) {
      const folder = i === 0 ? 'model' : `model-${i + 1}`;
      models.push(await writeWebModel(path, join(partial, folder), { folder, variant }));
    }
    await writeJson(join(partial, 'page.json'), { formatVersion: 1, models } satisfies PageFacts);
    await rename(partial, target);
    return { models, bytes: await bytesBelow(target, true) };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}
