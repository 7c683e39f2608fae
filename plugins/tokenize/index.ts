import { existsSync } from 'node:fs';
import { autoencoderFolder, languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { corpusFormat, corpusFormats, corpusRole, listCorpus, tokenizerFilesOf } from 'calm-lm/data';
import { fileMissing } from 'calm-lm/errors';
import { defineStage, optional } from 'calm-lm/plugin';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');
const estimation = () => import('./estimate.ts');

/** Whether a tokenizer is taken from a file, not trained here. */
const isFile = (tokenizer: string) => tokenizer !== 'bpe' && tokenizer !== 'bytes';

export default defineStage({
  name: 'tokenize',
  summary: 'Turns a corpus into shards of token ids, training a tokenizer if asked to.',
  version: 3,
  config,
  drawsNothing: true,
  sharesWork: true,
  // The files themselves are sources: what they hold counts, and how each is read, not where they lie.
  operational: ({ tokenizer }) => [
    ...['onBadLine', 'corpus', 'chatTemplate'],
    ...(isFile(tokenizer) ? ['tokenizer'] : []),
  ],
  // Every format is asked whose a file is, unless the configuration says it.
  parts: ({ corpus }) =>
    corpus.flatMap((source) =>
      'format' in source && source.format !== undefined ? [corpusFormat(source.format)] : corpusFormats(),
    ),
  keepsOutputs: true,
  inputs: {},
  outputs: { tokens: tokenShards },
  downloads: ({ corpus, tokenizer }) => [
    { address: tokenizer, use: 'tokenizer' },
    ...corpus.flatMap(({ files }) => files.map((address) => ({ address, use: 'data' as const }))),
  ],
  sources: async ({ corpus, tokenizer, chatTemplate }, resolvePath) => {
    const own = isFile(tokenizer) ? await tokenizerFilesOf(resolvePath(tokenizer)) : [];
    for (const path of own) if (!existsSync(path)) throw fileMissing(path, 'tokenizer');
    const template = chatTemplate === undefined ? [] : [resolvePath(chatTemplate)];
    for (const path of template) if (!existsSync(path)) throw fileMissing(path, 'chatTemplate');
    const files = await listCorpus(corpus, resolvePath('.'));
    return [
      ...own.map((path) => ({ path, role: 'tokenizer' })),
      ...template.map((path) => ({ path, role: 'chat template' })),
      ...files.map((file) => ({ path: file.path, role: corpusRole(file) })),
    ];
  },
  // Whatever brings a tokenizer of its own.
  ofText: {
    like: {
      tokens: optional(tokenShards),
      autoencoder: optional(autoencoderFolder),
      model: optional(languageModelFolder),
    },
    fields: ({ files, textField, like }) => ({
      corpus: [{ files, ...(textField ? { textField } : {}) }],
      tokenizer: like,
      validationFraction: 1,
    }),
  },
  isStale: ({ onBadLine }, { leftOutLines }) =>
    onBadLine === 'fail' && Number(leftOutLines ?? 0) > 0
      ? `onBadLine is fail, and ${leftOutLines} ${leftOutLines === 1 ? 'line was' : 'lines were'} left out`
      : undefined,
  labels: () => ({
    documents: { label: 'documents' },
    trainTokens: { label: 'training tokens' },
    validationTokens: { label: 'held-out tokens' },
    vocabSize: { label: 'vocabulary' },
  }),
  estimate: async (...given) => (await estimation()).estimate(...given),
  run: async (context) => (await implementation()).run(context),
});
