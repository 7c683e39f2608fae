import { tokenShards } from 'calm-lm/artifacts';
import { defineStage } from 'calm-lm/plugin';
import { config, OPERATIONAL_FIELDS } from './config.ts';
import { endpointEvaluation } from './evaluation.ts';

/** Loaded when the stage runs: what it needs has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'evaluate-endpoint',
  summary:
    'BrierLM of any model behind an OpenAI-compatible completions API, on this run’s held-out documents.',
  config,
  operational: OPERATIONAL_FIELDS,
  inputs: { tokens: tokenShards },
  outputs: { evaluation: endpointEvaluation },
  resumesAnswers: true,
  run: async (context) => (await implementation()).run(context),
});
