/** Texts as the sequences that a model is scored on: cut as held-out documents are. */

import { documentIds, type Tokenizer } from '../data/index.ts';
import { elementAt } from '../elements.ts';
import { tooFewTokens } from '../errors.ts';
import { type HeldOut, LEAST_PATCHES, standardPatches } from '../evaluation/measures/index.ts';
import type { PatchModel, Pause } from '../models/index.ts';

/**
 * The texts' tokens, each ended by end-of-text, one after the other and cut into sequences of one length; the
 * remainder is left out, and so are texts of white space alone.
 * @param patchesPerSequence as many as are usual where absent, or all where they are fewer
 */
export async function sequencesOf(
  texts: readonly string[],
  model: PatchModel,
  tokenizer: Tokenizer,
  pause: Pause,
  patchesPerSequence?: number,
): Promise<HeldOut> {
  const ids: number[] = [];
  /** For each text that has any the place behind its last token. */
  const ends: number[] = [];
  for (const text of texts) {
    await pause();
    if (!/\S/.test(text)) continue;
    for (const id of await documentIds(tokenizer, text)) ids.push(id);
    ends.push(ids.length);
  }
  const { patchSize } = model;
  const usual = Math.min(standardPatches(model.likelihood !== undefined), Math.floor(ids.length / patchSize));
  const width = patchSize * Math.max(patchesPerSequence ?? usual, LEAST_PATCHES);
  if (ids.length < width) throw tooFewTokens(ids.length, width);
  const sequences = Array.from({ length: Math.floor(ids.length / width) }, (_, i) =>
    Int32Array.from(ids.slice(i * width, (i + 1) * width)),
  );
  return { sequences, documents: documentsOf(sequences.length, width, ends) };
}

/** For each sequence the text that its first token belongs to. */
function documentsOf(numSequences: number, width: number, ends: readonly number[]): number[] {
  let text = 0;
  return Array.from({ length: numSequences }, (_, sequence) => {
    while (elementAt(ends, text) <= sequence * width) text++;
    return text;
  });
}
