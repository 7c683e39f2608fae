/** What the stages that take over folders of others share. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { weightFiles } from 'calm-lm/artifacts';
import { loadTokenizer, type Tokenizer, tokenizerFileOf } from 'calm-lm/data';
import { modelMismatch } from 'calm-lm/errors';
import type { SourceFile, StageReport } from 'calm-lm/plugin';

/** The files of a model's folder that an import depends on: its configuration and its weights. */
export async function modelSources(directory: string): Promise<SourceFile[]> {
  // A folder without weights is refused, with a better error, when the stage runs.
  const weights = await weightFiles(directory).catch(() => []);
  return present([
    { path: join(directory, 'config.json'), role: 'config' },
    ...weights.map((name) => ({ path: join(directory, name), role: 'weights' })),
  ]);
}

/** The file of a tokenizer, named by itself or by its folder. */
export async function tokenizerSources(path: string): Promise<SourceFile[]> {
  const file = await tokenizerFileOf(path).catch(() => path);
  return present([{ path: file, role: 'tokenizer' }]);
}

/** Those that are files; what is missing is named when the stage runs. */
async function present(files: readonly SourceFile[]): Promise<SourceFile[]> {
  const found = await Promise.all(files.map(({ path }) => stat(path).catch(() => undefined)));
  return files.filter((_, i) => found[i]?.isFile());
}

/** Keys of a config.json that nothing here knows are said, not swallowed. */
export function warnOfUnknown(
  report: Pick<StageReport, 'warn'>,
  directory: string,
  unknown: readonly string[],
): void {
  if (unknown.length)
    report.warn(
      `${join(directory, 'config.json')} has keys that are not known here and were left out: ` +
        `${unknown.join(', ')}`,
    );
}

/** The tokenizer of a model; its ids must fit into the model's vocabulary. */
export async function tokenizerFor(
  path: string,
  model: { readonly vocabSize: number; readonly eosTokenId: number | null },
): Promise<Tokenizer> {
  const tokenizer = await loadTokenizer(path);
  // The reference adds [PAD] to the tokenizer after the autoencoder's vocabulary was fixed, so one id may be
  // over.
  if (tokenizer.vocabSize > model.vocabSize + 1)
    throw modelMismatch('vocabulary of the model and its tokenizer', model.vocabSize, tokenizer.vocabSize);
  return tokenizer;
}
