import { resolve } from 'node:path';
import { languageModelFolder } from 'calm-lm/artifacts';
import { defineStage } from 'calm-lm/plugin';
import { checkHeadSampling, isTransformerAhead } from '../checks/model.ts';
import { movedToHeadSampling } from '../fields/head-sampling.ts';
import { withMoved } from '../fields/moved.ts';
import { config } from './config.ts';
import { readPrompts } from './prompts.ts';
import { samples } from './samples.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');
const checking = () => import('calm-lm/sampling');

export default defineStage({
  name: 'sample',
  summary: 'Writes text with a CALM or a Transformer, at any temperature up to 1.',
  config: withMoved(config, movedToHeadSampling),
  operational: ['textsAtOnce'],
  usesEngine: true,
  inputs: { model: languageModelFolder },
  outputs: { samples },
  isInteractive: true,
  example: "--prompt 'Once upon a time' --temperature 0.5",
  prompt: { field: 'prompt', instead: 'prompts' },
  labels: () => ({
    samples: { label: 'samples', texts: { settings: ['prompt', 'temperature'] } },
    secondsToFirstToken: { label: 'seconds to the first token' },
  }),
  check: async (given, { model }) => {
    const { prompts, headSampling } = given;
    checkHeadSampling(headSampling, model);
    const hasLikelihood = isTransformerAhead(model);
    if (hasLikelihood !== undefined) (await checking()).checkChoice(given, { hasLikelihood });
    if (prompts !== undefined) readPrompts(resolve(prompts));
  },
  run: async (context) => (await implementation()).run(context),
});
