/** The measure `words`: how many of the words that a model writes the corpus has too. */

import type { TokenShards } from 'calm-lm/artifacts';
import { evenlySpread, type Tokenizer } from 'calm-lm/data';
import {
  bootstrapInterval,
  commonLength,
  commonShare,
  WordCounts,
  type WordTally,
  wholeWords,
} from 'calm-lm/evaluation';
import type { MeasureContext } from 'calm-lm/evaluation/measures';
import { RandomStream } from 'calm-lm/random';
import { generate } from 'calm-lm/sampling';
import type { WordReport } from '../evaluation.ts';

interface Options {
  readonly wordTexts: number;
  readonly wordTokens: number;
  readonly wordTemperature: number;
  readonly wordCandidates?: number | undefined;
}

type Context = MeasureContext<Options>;

/** Continues held-out text; each text begins in the middle of a held-out sequence. */
export async function measureWords(context: Context): Promise<{ words: WordReport }> {
  const { tokens, options, seed, pause, report } = context;
  report.progress({
    step: 0,
    what: `writing ${options.wordTexts} texts of ${options.wordTokens} tokens`,
  });
  const tokenizer = await context.tokenizer();
  const counts = await countWords(tokens, tokenizer, pause);
  const { sequences } = await context.heldOut();
  const prompts = evenlySpread(sequences.length, options.wordTexts).flatMap((i) => sequences[i] ?? []);
  const texts = await continuations(context, prompts, tokenizer);
  const tallies = texts.map((text) => counts.tally(wholeWords(text)));
  const interval = await bootstrapInterval<WordTally>(tallies, commonShare, seed, { pause });
  const heldOut = await Promise.all(
    sequences.map(async (ids) => counts.tally(wholeWords(await tokenizer.decode([...ids])))),
  );
  return {
    words: {
      share: commonShare(tallies) ?? 0,
      ...(interval ? { interval } : {}),
      heldOutShare: commonShare(heldOut) ?? 0,
      numWords: tallies.reduce((sum, { words }) => sum + words, 0),
      temperature: options.wordTemperature,
    },
  };
}

const TOKENS_AT_ONCE = 2 ** 16;
/** Of a larger corpus the beginning is counted: 16.8 million tokens have all common words. */
const MOST_TOKENS = 2 ** 24;

async function countWords(
  tokens: TokenShards,
  tokenizer: Tokenizer,
  pause: Context['pause'],
): Promise<WordCounts> {
  const counts = new WordCounts();
  const train = tokens.split('train');
  const end = Math.min(train.length, MOST_TOKENS);
  for (let start = 0; start < end; start += TOKENS_AT_ONCE) {
    await pause();
    const ids = train.read(start, Math.min(TOKENS_AT_ONCE, end - start));
    counts.add(await tokenizer.decode([...ids]));
  }
  counts.finish();
  return counts;
}

/** All texts at once, a patch at a time. */
async function continuations(
  { model, options, seed, pause, report }: Context,
  sequences: readonly Int32Array[],
  tokenizer: Tokenizer,
): Promise<string[]> {
  const { patchSize } = model;
  const half = patchSize * Math.floor(commonLength(sequences) / patchSize / 2);
  const prompts = sequences.map((ids) => ids.slice(0, half));
  const steps = Math.ceil(options.wordTokens / patchSize);
  const settings = {
    temperature: options.wordTemperature,
    numCandidates: options.wordCandidates,
    maxLength: half + steps * patchSize,
    padId: tokenizer.padId,
    // A text goes on behind the end of its document: all are of one length.
    endOfTextId: null,
    pause,
  };
  const draws = {
    noise: (step: number, size: number, block: number) =>
      model.drawNoise(new RandomStream(seed, 'words', step, 'noise', block), size),
    choice: (step: number, row: number, index: number) =>
      new RandomStream(seed, 'words', step, 'choice', row, index).nextUniform(),
  };
  const written: number[][] = sequences.map(() => []);
  for await (const { patch } of generate(model, prompts, settings, draws)) {
    written.forEach((ids, row) => {
      ids.push(...patch.subarray(row * patchSize, (row + 1) * patchSize));
    });
    report.progress({ step: commonLength(written) / patchSize, steps });
    await pause();
  }
  return Promise.all(written.map((ids) => tokenizer.decode(ids)));
}
