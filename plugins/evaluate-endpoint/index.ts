import { tokenShards } from 'calm-lm/artifacts';
import { brierValues, labelsOf } from 'calm-lm/evaluation/measures';
import { defineStage } from 'calm-lm/plugin';
import { ASKED_FIELDS, config, OPERATIONAL_FIELDS } from './config.ts';
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
  questions: () => [
    {
      name: 'brierlm',
      summary: 'BrierLM of a model behind an endpoint.',
      fields: Object.fromEntries(ASKED_FIELDS.map((field) => [field, undefined])),
      insteadOf: {
        question: 'brierlm',
        flag: 'endpoint',
        summary:
          'base address of a completions API: the model there is scored on the run’s held-out text, ' +
          'tokenised by the run’s tokenizer',
        example: '--endpoint http://localhost:8000/v1 --model my-model --num-windows 500',
      },
    },
  ],
  labels: () => labelsOf([...brierValues('brierlm'), ...brierValues('unigram', 'unigram sampler')]),
  run: async (context) => (await implementation()).run(context),
});
