import { languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { defineStage } from 'calm-lm/plugin';
import { checkSplit } from '../shared/check-splits.ts';
import { baselineEvaluation } from '../shared/evaluations.ts';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'evaluate-baseline',
  summary: 'Judges the discrete baseline on held-out documents: perplexity, BrierLM, temperature.',
  config,
  usesEngine: true,
  inputs: { tokens: tokenShards, model: languageModelFolder },
  outputs: { evaluation: baselineEvaluation },
  check: async ({ tokensPerSequence }, { tokens }) => checkSplit(tokens, 'validation', tokensPerSequence),
  run: async (context) => (await implementation()).run(context),
});
