/** The sequences that a language model is trained on and measured by. */

import type { Split, TokenShards } from 'calm-lm/artifacts';
import { DocumentSequences, type Sequences, sequencesOf } from 'calm-lm/data';
import type { StageReport } from 'calm-lm/plugin';

interface Layout {
  readonly patchSize: number;
  readonly patchesPerSequence: number;
  readonly packed?: boolean | undefined;
}

/** Those of a split, packed or one a document. Says how many documents are longer. */
export function openSequences(
  tokens: TokenShards,
  split: Split,
  { packed = true, ...sizes }: Layout,
  report: Pick<StageReport, 'warn'>,
): Sequences {
  const sequences = sequencesOf(tokens.split(split), sizes, packed, tokens.index.padId);
  if (sequences instanceof DocumentSequences && sequences.numCut > 0)
    report.warn(
      `${sequences.numCut} of ${sequences.numSequences} documents of the ${split} split are longer than a ` +
        'sequence; what is behind it is not learnt',
    );
  return sequences;
}
