/**
 * Whether sampled text is made of words: the share of its longer words that the corpus has too. It says nothing
 * of grammar or sense, and a sampler that copies the corpus has 1.
 */

/** Words of fewer letters are real too often by chance. */
export const FEWEST_LETTERS = 4;
/** A word that the corpus has less often than this may be a name or an error of its own. */
export const FEWEST_OCCURRENCES = 5;

const LETTERS = /\p{L}+/gu;

/** The longer words of a text, in lower case. */
export function longWords(text: string): string[] {
  const words = text.normalize('NFC').toLowerCase().match(LETTERS) ?? [];
  return words.filter((word) => [...word].length >= FEWEST_LETTERS);
}

/** The part of a text between its first and its last gap between words; what stands outside may be cut. */
export function wholeWords(text: string): string {
  return text.replace(/^\p{L}+/u, '').replace(/\p{L}+$/u, '');
}

/** How often the corpus has each longer word. */
export class WordCounts {
  readonly #counts = new Map<string, number>();
  #rest = '';

  /** Adds the next piece of the corpus; a word may go on in the piece after it. */
  add(piece: string): void {
    const text = this.#rest + piece;
    const end = text.search(/\p{L}*$/u);
    this.#rest = text.slice(end);
    this.#count(text.slice(0, end));
  }

  /** A word that stands at the very end is whole. */
  finish(): void {
    this.#count(this.#rest);
    this.#rest = '';
  }

  isCommon(word: string): boolean {
    return (this.#counts.get(word) ?? 0) >= FEWEST_OCCURRENCES;
  }

  /** How many of a text's longer words there are, and how many of them are common in the corpus. */
  tally(text: string): WordTally {
    const words = longWords(text);
    return { words: words.length, common: words.filter((word) => this.isCommon(word)).length };
  }

  #count(text: string): void {
    for (const word of longWords(text)) this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
  }
}

export interface WordTally {
  /** Words of four letters or more. */
  readonly words: number;
  /** Those of them that the corpus has at least five times. */
  readonly common: number;
}

/** Of several texts together; undefined where they have no longer word. */
export function commonShare(tallies: readonly WordTally[]): number | undefined {
  const words = tallies.reduce((sum, tally) => sum + tally.words, 0);
  return words === 0 ? undefined : tallies.reduce((sum, tally) => sum + tally.common, 0) / words;
}
