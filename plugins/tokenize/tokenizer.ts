/**
 * The tokenizer that the configuration asks for: bytes, a file, or a BPE trained on the corpus, which is kept
 * for a stopped stage.
 */

import { readFile } from 'node:fs/promises';
import { ProgressFile } from 'calm-lm/artifacts';
import {
  ByteTokenizer,
  CORPUS_START,
  type CorpusFile,
  type CorpusPlace,
  type CorpusWorkers,
  type CountedChunk,
  loadTokenizer,
  openSerialised,
  openTokenizer,
  type Read,
  type SerialisedTokenizer,
  type Tokenizer,
  trainBpe,
  WordCounter,
} from 'calm-lm/data';
import type { Context } from './context.ts';
import { LineCheck } from './line-check.ts';
import { takeAll } from './take-all.ts';

export async function chooseTokenizer(
  context: Context,
  files: readonly CorpusFile[],
  workers: CorpusWorkers,
): Promise<Tokenizer> {
  const { tokenizer, endOfTextToken, addSpecialTokens } = context.config;
  const chatTemplate = await chatTemplateOf(context);
  const stated = chatTemplate === undefined ? undefined : { chatTemplate };
  if (tokenizer === 'bytes') return new ByteTokenizer(stated);
  if (tokenizer !== 'bpe')
    return loadTokenizer(context.resolvePath(tokenizer), {
      endOfText: endOfTextToken,
      addSpecialTokens,
      chatTemplate,
    });
  const kept = new ProgressFile<SerialisedTokenizer>(context.checkpoints, 'tokenizer');
  const known = await kept.load();
  if (known) return openSerialised(known);
  const trained = await trainTokenizer(context, files, workers, chatTemplate);
  const { endOfTextId, padId, chat } = trained;
  await kept.save({ json: trained.toJson(), endOfTextId, padId, chat });
  return trained;
}

interface CountingState {
  readonly place: CorpusPlace;
  readonly numLines: number;
  readonly words: readonly string[];
  readonly counts: readonly number[];
}

/** Half a minute, because the words of a large corpus are a large state. */
const COUNTS_EVERY_MS = 30_000;

async function chatTemplateOf({ config, resolvePath }: Context): Promise<string | undefined> {
  return config.chatTemplate === undefined ? undefined : readFile(resolvePath(config.chatTemplate), 'utf8');
}

async function trainTokenizer(
  context: Context,
  files: readonly CorpusFile[],
  workers: CorpusWorkers,
  chatTemplate: string | undefined,
): Promise<Tokenizer> {
  const { config, report, signal, checkpoints } = context;
  const progress = new ProgressFile<CountingState>(checkpoints, 'words', COUNTS_EVERY_MS);
  const counter = new WordCounter();
  const saved = await progress.load();
  if (saved) counter.addCounts(saved.words, saved.counts);
  let place = saved?.place ?? CORPUS_START;
  const lines = new LineCheck(context, files, saved?.numLines ?? 0, () => {});
  const save = () =>
    progress.save({
      place,
      numLines: lines.numLines,
      words: [...counter.counts.keys()],
      counts: [...counter.counts.values()],
    });
  report.progress({ step: 0, what: 'counting words' });
  const { parts, numBytes } = partsOf(files);
  const megabytes = (bytes: number) => Math.floor(bytes / 1e6);
  const take = (read: Read<CountedChunk>) => {
    lines.look(read);
    counter.addCounts(read.result.words, read.result.counts);
    place = read.end;
    // A .gz counts by what it holds, as far as it was read.
    const { before, sizeBytes } = parts[place.file] as CorpusPart;
    report.progress({
      step: megabytes(before + Math.min(place.offset, sizeBytes)),
      steps: megabytes(numBytes),
    });
  };
  await takeAll(workers.count(place), take, { progress, save, signal });
  report.progress({ step: 0, what: 'training the tokenizer' });
  const json = trainBpe(counter.counts, config.vocabSize);
  const tokenizer = openTokenizer(json, 'the trained tokenizer', { chatTemplate });
  if (tokenizer.vocabSize < config.vocabSize)
    report.warn(
      `the corpus gives a vocabulary of ${tokenizer.vocabSize} only; no further pair of symbols occurs twice`,
    );
  return tokenizer;
}

/** The bytes of a file, and of those before it. */
interface CorpusPart {
  readonly before: number;
  readonly sizeBytes: number;
}

function partsOf(files: readonly CorpusFile[]): { parts: readonly CorpusPart[]; numBytes: number } {
  let numBytes = 0;
  const parts = files.map(({ sizeBytes }) => {
    const before = numBytes;
    numBytes += sizeBytes;
    return { before, sizeBytes };
  });
  return { parts, numBytes };
}
