import { tokenShards } from 'calm-lm/artifacts';
import { listCorpus, tokenizerFileOf } from 'calm-lm/data';
import { defineStage } from 'calm-lm/plugin';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');
const estimation = () => import('./estimate.ts');

export default defineStage({
  name: 'tokenize',
  summary: 'Turns a corpus into shards of token ids, training a tokenizer if asked to.',
  version: 2,
  config,
  operational: ['onBadLine'],
  keepsOutputs: true,
  inputs: {},
  outputs: { tokens: tokenShards },
  sources: async ({ corpus, tokenizer }, resolvePath) => {
    const own =
      tokenizer === 'bpe' || tokenizer === 'bytes'
        ? []
        : await listCorpus(
            [
              {
                files: [await tokenizerFileOf(resolvePath(tokenizer))],
                documents: 'file',
                textField: 'text',
              },
            ],
            resolvePath('.'),
          );
    return [...own, ...(await listCorpus(corpus, resolvePath('.')))].map(
      ({ path, sizeBytes, modifiedMs }) => ({
        file: path.split('/').at(-1),
        sizeBytes,
        modifiedMs,
      }),
    );
  },
  estimate: async (...given) => (await estimation()).estimate(...given),
  run: async (context) => (await implementation()).run(context),
});
