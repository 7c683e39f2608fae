import { SPLITS, type Split, type tokenShards } from 'calm-lm/artifacts';
import { ByteTokenizer, isJsonLines, listCorpus, loadTokenizer, openTokenizer, readCorpus, type Tokenizer, trainBpe, WordCounter } from 'calm-lm/data';
import type { StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import type { config } from './config.ts';

type Context = StageContext<z.infer<typeof config>, Record<never, never>, { tokens: typeof tokenShards }>;

/** Two passes for a trained tokenizer (count words, then encode), one otherwise. */
export async function run(given: Context): Promise<void> {
  const context = await withParagraphs(given);
  const { outputs, report } = context;
  const tokenizer = await chooseTokenizer(context);
  await outputs.tokens.begin(tokenizer, tokenizer.toJson());
  await encodeDocuments(context, tokenizer);
  const { splits } = await outputs.tokens.finish();
  for (const split of SPLITS) {
    if (splits[split].documents === 0 && context.config.validationFraction > 0 && context.config.validationFraction < 1) {
      report.warn(`the ${split} split has no document; split larger files with \`documents: paragraph\`, or change validationFraction`);
    }
  }
  report.summary({
    vocabSize: tokenizer.vocabSize,
    trainTokens: splits.train.tokens,
    validationTokens: splits.validation.tokens,
    documents: splits.train.documents + splits.validation.documents,
    bytesPerToken: (splits.train.textBytes + splits.validation.textBytes) / (splits.train.tokens + splits.validation.tokens),
  });
}

/** A corpus of one text file has nothing to hold out, unless its paragraphs count as documents. */
async function withParagraphs(context: Context): Promise<Context> {
  const { config, resolvePath, report } = context;
  const [file, ...others] = await listCorpus(config.corpus, resolvePath('.'));
  const isLone =
    others.length === 0 &&
    config.validationFraction > 0 &&
    config.validationFraction < 1 &&
    !isJsonLines(file.path) &&
    config.corpus.every(({ documents }) => documents === 'file');
  if (!isLone) return context;
  report.warn('the corpus is one file, so its paragraphs are taken as documents (`documents: paragraph`); `validationFraction: 0` keeps it whole');
  return { ...context, config: { ...config, corpus: config.corpus.map((source) => ({ ...source, documents: 'paragraph' as const })) } };
}

async function chooseTokenizer(context: Context): Promise<Tokenizer> {
  const { tokenizer, endOfTextToken } = context.config;
  if (tokenizer === 'bytes') return new ByteTokenizer();
  if (tokenizer !== 'bpe') return loadTokenizer(context.resolvePath(tokenizer), endOfTextToken);
  return trainTokenizer(context);
}

async function trainTokenizer({ config, report, signal, resolvePath }: Context): Promise<Tokenizer> {
  const words = new WordCounter();
  let documents = 0;
  for await (const { text, isEnd } of readCorpus(config.corpus, resolvePath('.'))) {
    signal.throwIfAborted();
    words.add(text);
    if (isEnd) report.progress({ step: ++documents });
  }
  const json = trainBpe(words.counts, config.vocabSize);
  const tokenizer = openTokenizer(json, 'the trained tokenizer');
  if (tokenizer.vocabSize < config.vocabSize)
    report.warn(`the corpus gives a vocabulary of ${tokenizer.vocabSize} only; no further pair of symbols occurs twice`);
  return tokenizer;
}

async function encodeDocuments({ config, outputs, report, signal, resolvePath }: Context, tokenizer: Tokenizer): Promise<void> {
  const started = performance.now();
  let [documents, tokens] = [0, 0];
  for await (const { text, isEnd } of readCorpus(config.corpus, resolvePath('.'))) {
    signal.throwIfAborted();
    const split = splitOf(documents, config.validationFraction);
    const ids = await tokenizer.encode(text);
    outputs.tokens.append(split, ids, Buffer.byteLength(text));
    tokens += ids.length;
    if (!isEnd) continue;
    outputs.tokens.endDocument(split, config.endDocuments);
    documents++;
    report.progress({ step: documents, values: { tokens }, tokensPerSecond: (1000 * tokens) / (performance.now() - started) });
  }
}

/** Holds out every 1/fraction-th document, beginning with the first that makes the fraction whole. */
function splitOf(document: number, fraction: number): Split {
  return Math.floor((document + 1) * fraction) > Math.floor(document * fraction) ? 'validation' : 'train';
}
