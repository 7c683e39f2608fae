/**
 * Training a byte-level BPE (Sennrich et al. 2016, Radford et al. 2019): count words, then merge the
 * commonest pair of symbols again and again.
 * Only the words and their counts are held, never the text.
 */

import { elementAt } from '../../elements.ts';
import { BYTE_SYMBOLS, byteLevelJson, type TokenizerJson } from './tokenizer.ts';

/** GPT-2's pattern; Hugging Face's ByteLevel pre-tokenizer splits by it. */
const WORD = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Past this many distinct words the rarest are forgotten. */
const MAX_WORDS = 1_000_000;

/** Two special tokens and 256 bytes come before any merge. */
export const MIN_BPE_VOCABULARY = 258;

/** Counts the words of a text that comes in pieces. */
export class WordCounter {
  #counts = new Map<string, number>();

  add(text: string): void {
    for (const [word] of text.matchAll(WORD)) this.#add(word, 1);
    this.#forget();
  }

  /** Adds what another counter has counted. */
  addCounts(words: readonly string[], counts: readonly number[]): void {
    words.forEach((word, i) => {
      this.#add(word, elementAt(counts, i));
    });
    this.#forget();
  }

  #add(word: string, count: number): void {
    this.#counts.set(word, (this.#counts.get(word) ?? 0) + count);
  }

  #forget(): void {
    if (this.#counts.size > MAX_WORDS)
      this.#counts = new Map([...this.#counts].sort((a, b) => b[1] - a[1]).slice(0, MAX_WORDS / 2));
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}

/**
 * Learns merges until the vocabulary has `vocabSize` entries, the 256 bytes and two special tokens included,
 * or no pair occurs twice.
 * Ties go to the pair whose symbols came first, so equal counts give equal tokenizers.
 */
export function trainBpe(words: ReadonlyMap<string, number>, vocabSize: number): TokenizerJson {
  const symbols = [...BYTE_SYMBOLS];
  const merger = new PairMerger(words);
  const merges: [string, string][] = [];
  while (symbols.length < vocabSize - 2) {
    const pair = merger.commonest();
    if (!pair) break;
    const [left, right] = [elementAt(symbols, pair.left), elementAt(symbols, pair.right)];
    merges.push([left, right]);
    symbols.push(left + right);
    merger.merge(pair, symbols.length - 1);
  }
  return byteLevelJson(merges, true);
}

interface Pair {
  readonly left: number;
  readonly right: number;
}

const PAIR_BASE = 2 ** 24;
const keyOf = (left: number, right: number) => left * PAIR_BASE + right;

/** A word as symbols. */
interface Word {
  symbols: number[];
  readonly count: number;
}

/** Pair counts over the words, kept up to date as pairs are merged; a heap finds the commonest. */
class PairMerger {
  readonly #words: Word[];
  readonly #counts = new Map<number, number>();
  readonly #wordsWith = new Map<number, Set<number>>();
  readonly #heap = new MaxHeap();

  constructor(words: ReadonlyMap<string, number>) {
    this.#words = [...words].map(([word, count]) => ({ symbols: [...Buffer.from(word, 'utf8')], count }));
    this.#words.forEach((_, index) => {
      this.#countWord(index, 1);
    });
    for (const [key, count] of this.#counts) this.#heap.push(count, key);
  }

  /**
   * The pair with the largest count of two or more. Entries whose count has changed since they were pushed
   * are stale and dropped.
   */
  commonest(): Pair | undefined {
    for (let top = this.#heap.pop(); top; top = this.#heap.pop()) {
      if (top.priority < 2) return undefined;
      if (this.#counts.get(top.key) === top.priority)
        return { left: Math.floor(top.key / PAIR_BASE), right: top.key % PAIR_BASE };
    }
    return undefined;
  }

  merge({ left, right }: Pair, merged: number): void {
    const touched = new Set<number>();
    for (const index of this.#wordsWith.get(keyOf(left, right)) ?? []) {
      const word = elementAt(this.#words, index);
      for (const key of this.#countWord(index, -1)) touched.add(key);
      word.symbols = replacePair(word.symbols, left, right, merged);
      for (const key of this.#countWord(index, 1)) touched.add(key);
    }
    this.#wordsWith.delete(keyOf(left, right));
    for (const key of touched) this.#heap.push(this.#counts.get(key) ?? 0, key);
  }

  /** Adds (or takes away) a word's pairs; returns their keys. */
  #countWord(index: number, sign: 1 | -1): number[] {
    const { symbols, count } = elementAt(this.#words, index);
    const keys: number[] = [];
    for (let i = 1; i < symbols.length; i++) {
      const key = keyOf(symbols[i - 1] as number, symbols[i] as number);
      keys.push(key);
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + sign * count);
      if (sign === 1) this.#wordSet(key).add(index);
    }
    return keys;
  }

  #wordSet(key: number): Set<number> {
    const known = this.#wordsWith.get(key);
    if (known) return known;
    const fresh = new Set<number>();
    this.#wordsWith.set(key, fresh);
    return fresh;
  }
}

function replacePair(symbols: readonly number[], left: number, right: number, merged: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] as number;
    if (symbol === left && symbols[i + 1] === right) {
      out.push(merged);
      i++;
    } else out.push(symbol);
  }
  return out;
}

interface HeapEntry {
  readonly priority: number;
  readonly key: number;
}

/** A binary heap: largest priority first, then smallest key. */
class MaxHeap {
  readonly #entries: HeapEntry[] = [];

  push(priority: number, key: number): void {
    const entries = this.#entries;
    const added = { priority, key };
    entries.push(added);
    for (let i = entries.length - 1; i > 0; ) {
      const at = (i - 1) >> 1;
      const parent = entries[at] as HeapEntry;
      if (!isBefore(added, parent)) break;
      [entries[i], entries[at]] = [parent, added];
      i = at;
    }
  }

  pop(): HeapEntry | undefined {
    const entries = this.#entries;
    const top = entries[0];
    const last = entries.pop();
    if (entries.length === 0 || !last) return top;
    entries[0] = last;
    for (let i = 0; ; ) {
      let [first, at] = [last, i];
      for (const place of [2 * i + 1, 2 * i + 2]) {
        const child = entries[place];
        if (child && isBefore(child, first)) [first, at] = [child, place];
      }
      if (at === i) return top;
      [entries[i], entries[at]] = [first, last];
      i = at;
    }
  }
}

function isBefore(a: HeapEntry, b: HeapEntry): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.key < b.key);
}
