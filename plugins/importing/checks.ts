/** What is looked at in a folder of others before it is taken over. */

import { join } from 'node:path';
import { loadTokenizer, type Tokenizer } from 'calm-lm/data';
import { modelMismatch } from 'calm-lm/errors';
import type { StageReport } from 'calm-lm/plugin';

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
  const tokenizer = await loadTokenizer(path, { modelVocabSize: model.vocabSize });
  if (tokenizer.vocabSize > model.vocabSize)
    throw modelMismatch('vocabulary of the model and its tokenizer', model.vocabSize, tokenizer.vocabSize);
  return tokenizer;
}
