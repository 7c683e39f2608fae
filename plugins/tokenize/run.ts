import { SPLITS } from 'calm-lm/artifacts';
import { type CorpusFile, CorpusWorkers, isOneDocument, listCorpus } from 'calm-lm/data';
import { allLeftOut, corpusChanged } from 'calm-lm/errors';
import type { Context } from './context.ts';
import { CorpusEncoding } from './encoding.ts';
import { chooseTokenizer } from './tokenizer.ts';

/**
 * Two passes for a trained tokenizer (count words, then encode), one otherwise. A stopped stage goes on where
 * it was, in either. Other ranks than the first work on chunks of the corpus for it.
 */
export async function run(context: Context): Promise<void> {
  const { outputs, report, config } = context;
  const files = await corpusFiles(context);
  const workers = new CorpusWorkers(files, context.signal, context.cluster);
  if (context.cluster.rank > 0) return workers.help();
  const tokenizer = await chooseTokenizer(context, files, workers);
  const { numEmpty, firstProblem } = await new CorpusEncoding(context, files, tokenizer).run(workers);
  await workers.end();
  const { splits, leftOutLines } = await outputs.tokens.finish();
  await refuseChanged(context, files);
  const documents = splits.train.documents + splits.validation.documents;
  if (documents === 0) throw allLeftOut(leftOutLines, numEmpty, firstProblem);
  for (const split of SPLITS) {
    if (splits[split].documents === 0 && config.validationFraction > 0 && config.validationFraction < 1)
      report.warn(
        `the ${split} split has no document; split larger files with \`documents: paragraph\`, or ` +
          `change validationFraction`,
      );
  }
  if (leftOutLines > 0) report.warn(`${leftOutLines} lines were left out; tokens/left-out.jsonl lists them`);
  report.summary({
    vocabSize: tokenizer.vocabSize,
    trainTokens: splits.train.tokens,
    validationTokens: splits.validation.tokens,
    documents,
    ...(numEmpty > 0 ? { emptyDocuments: numEmpty } : {}),
    ...(leftOutLines > 0 ? { leftOutLines } : {}),
    bytesPerToken:
      (splits.train.textBytes + splits.validation.textBytes) /
      (splits.train.tokens + splits.validation.tokens),
  });
}

/**
 * The corpus's files. One text file alone has nothing to hold out, unless its paragraphs count as documents.
 */
async function corpusFiles({ config, resolvePath, report }: Context): Promise<CorpusFile[]> {
  const files = await listCorpus(config.corpus, resolvePath('.'), report.warn);
  const holdsOut = config.validationFraction > 0 && config.validationFraction < 1;
  const [only, another] = files;
  if (!only || another || !holdsOut || !isOneDocument(only)) return files;
  report.warn(
    'the corpus is one file, so its paragraphs are taken as documents (`documents: paragraph`); ' +
      '`validationFraction: 0` keeps it whole',
  );
  return [{ ...only, documents: 'paragraph' }];
}

/** A corpus that was written to while it was read is none. */
async function refuseChanged({ config, resolvePath }: Context, files: readonly CorpusFile[]): Promise<void> {
  const now = await listCorpus(config.corpus, resolvePath('.'));
  const changed = files.find(
    ({ path, sizeBytes, modifiedMs }, i) =>
      path !== now[i]?.path || sizeBytes !== now[i].sizeBytes || modifiedMs !== now[i].modifiedMs,
  );
  if (changed) throw corpusChanged(changed.path);
}
