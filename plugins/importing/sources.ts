/** The files that taking over a folder of others depends on. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { weightFiles } from 'calm-lm/artifacts';
import { tokenizerFilesOf } from 'calm-lm/data';
import type { SourceFile } from 'calm-lm/plugin';

/** What of these may have to be downloaded first. */
export function modelDownloads({
  models,
  tokenizer,
}: {
  readonly models: readonly (string | undefined)[];
  readonly tokenizer?: string | undefined;
}) {
  return [
    ...models.map((address) => ({ address, use: 'model' as const })),
    { address: tokenizer, use: 'tokenizer' as const },
  ].filter((place): place is typeof place & { address: string } => place.address !== undefined);
}

/** The files of a model's folder that an import depends on: its configuration and its weights. */
export async function modelSources(directory: string): Promise<SourceFile[]> {
  // A folder without weights is refused, with a better error, when the stage runs.
  const weights = await weightFiles(directory).catch(() => []);
  return present([
    { path: join(directory, 'config.json'), role: 'config' },
    ...weights.map((name) => ({ path: join(directory, name), role: 'weights' })),
  ]);
}

/** The files of a tokenizer, named by its own or by its folder. */
export async function tokenizerSources(path: string): Promise<SourceFile[]> {
  const files = await tokenizerFilesOf(path).catch(() => [path]);
  return present(files.map((file) => ({ path: file, role: 'tokenizer' })));
}

/** Those that are files; what is missing is named when the stage runs. */
async function present(files: readonly SourceFile[]): Promise<SourceFile[]> {
  const found = await Promise.all(files.map(({ path }) => stat(path).catch(() => undefined)));
  return files.filter((_, i) => found[i]?.isFile());
}
