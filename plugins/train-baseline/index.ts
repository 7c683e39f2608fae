import { languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { defineStage } from 'calm-lm/plugin';
import { checkSplit } from '../shared/check-splits.ts';
import { continues, operationalFields } from '../shared/training-fields.ts';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');
const estimation = () => import('./estimate.ts');

export default defineStage({
  name: 'train-baseline',
  summary: 'Trains the discrete baseline: a Llama over tokens, by cross-entropy.',
  config,
  usesEngine: true,
  operational: operationalFields,
  continues,
  inputs: { tokens: tokenShards },
  outputs: { model: languageModelFolder },
  check: async ({ tokensPerSequence }, { tokens }) => checkSplit(tokens, 'train', tokensPerSequence),
  estimate: async (given, inputs) => (await estimation()).estimate(given, inputs),
  run: async (context) => (await implementation()).run(context),
});
