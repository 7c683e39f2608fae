/**
 * The built-in stages, as one plugin. They use nothing but the package's public exports, as a third party's
 * would.
 */

import { definePlugin } from 'calm-lm/plugin';
import encodeCorpus from './encode-corpus/index.ts';
import evaluate from './evaluate/index.ts';
import evaluateEndpoint from './evaluate-endpoint/index.ts';
import exportModel from './export/index.ts';
import importAutoencoder from './import-autoencoder/index.ts';
import importLm from './import-lm/index.ts';
import sample from './sample/index.ts';
import tokenize from './tokenize/index.ts';
import trainAutoencoder from './train-autoencoder/index.ts';
import trainLm from './train-lm/index.ts';

export default definePlugin({
  name: 'calm-lm',
  stages: [
    tokenize,
    trainAutoencoder,
    encodeCorpus,
    trainLm,
    evaluate,
    sample,
    evaluateEndpoint,
    importAutoencoder,
    importLm,
    exportModel,
  ],
});
