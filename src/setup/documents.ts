/** What counts as a document, and which part of them is held out, so that both splits have text. */

import { type CorpusFile, splitOf, type TextCount } from '../data/index.ts';
import { corpusTooSmall } from '../errors.ts';

export type DocumentKind = CorpusFile['documents'];

export interface Holding {
  readonly documents: DocumentKind;
  readonly validationFraction: number;
  readonly numDocuments: number;
  /** Of text. Estimates where not everything was read. */
  readonly trainBytes: number;
  readonly heldOutBytes: number;
}

/** From what a corpus would be best to what only works. */
const KINDS: readonly DocumentKind[] = ['file', 'paragraph', 'line'];
const FRACTIONS = [0.05, 0.1, 0.2];

/** More is missed where the model trains. */
const MOST_HELD_OUT = 0.3;
/** Held-out sequences that give numbers worth reading, and documents that they should come from. */
const [GOOD_SEQUENCES, GOOD_DOCUMENTS] = [32, 3];

/**
 * The first way that holds out enough text for good numbers; else the one with the most text in the smaller
 * split. An error where no way gives each split one sequence.
 * @param counted the corpus with a kind of documents, counted
 * @param sequenceBytes of text in a sequence of the model
 */
export async function chooseHolding(
  files: readonly CorpusFile[],
  counted: (kind: DocumentKind) => Promise<TextCount>,
  sequenceBytes: number,
): Promise<Holding> {
  const kinds = files.some(({ format }) => format === 'text') ? KINDS : KINDS.slice(0, 1);
  let best: Holding | undefined;
  let [bytes, documents] = [0, 0];
  for (const kind of kinds) {
    const count = await counted(kind);
    [bytes, documents] = [count.bytes, Math.max(documents, count.documents)];
    for (const fraction of FRACTIONS) {
      const holding = holdingOf(files, count, kind, fraction);
      if (isGood(holding, count, sequenceBytes)) return holding;
      if (smaller(holding) > (best ? smaller(best) : sequenceBytes)) best = holding;
    }
  }
  if (best) return best;
  throw corpusTooSmall(bytes, documents, Math.ceil(sequenceBytes / Math.max(...FRACTIONS)));
}

const smaller = ({ trainBytes, heldOutBytes }: Holding) => Math.min(trainBytes, heldOutBytes);

function isGood({ trainBytes, heldOutBytes, ...holding }: Holding, count: TextCount, sequence: number) {
  return (
    heldOutBytes >= GOOD_SEQUENCES * sequence &&
    heldOutBytes <= MOST_HELD_OUT * (trainBytes + heldOutBytes) &&
    holding.validationFraction * count.documents >= GOOD_DOCUMENTS
  );
}

/** What a fraction would hold out, document by document as `tokenize` does. */
function holdingOf(
  files: readonly CorpusFile[],
  { lengths, bytes, documents }: TextCount,
  kind: DocumentKind,
  validationFraction: number,
): Holding {
  const sums = { train: 0, validation: 0 };
  const all = files.flatMap(({ path }) => lengths.get(path) ?? []);
  for (const [i, length] of all.entries()) sums[splitOf(i, validationFraction)] += length;
  const read = sums.train + sums.validation;
  const scale = read === 0 ? 0 : Math.max(1, bytes / read);
  return {
    documents: kind,
    validationFraction,
    numDocuments: documents,
    trainBytes: Math.round(scale * sums.train),
    heldOutBytes: Math.round(scale * sums.validation),
  };
}
