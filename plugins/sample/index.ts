import { resolve } from 'node:path';
import { languageModelFolder } from 'calm-lm/artifacts';
import { defineStage } from 'calm-lm/plugin';
import { checkHeadSampling, MOVED } from '../shared/head-sampling.ts';
import { isTransformerAhead } from '../shared/model-kind.ts';
import { withMoved } from '../shared/moved-fields.ts';
import { samples } from '../shared/samples.ts';
import { config } from './config.ts';
import { readPrompts } from './prompts.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');
const checking = () => import('calm-lm/sampling');

export default defineStage({
  name: 'sample',
  summary: 'Writes text with a CALM or a Transformer, at any temperature in (0, 1].',
  config: withMoved(config, MOVED),
  usesEngine: true,
  inputs: { model: languageModelFolder },
  outputs: { samples },
  isInteractive: true,
  check: async (given, { model }) => {
    const { prompts, headSampling } = given;
    checkHeadSampling(headSampling, model);
    const hasLikelihood = isTransformerAhead(model);
    if (hasLikelihood !== undefined) (await checking()).checkChoice(given, { hasLikelihood });
    if (prompts !== undefined) readPrompts(resolve(prompts));
  },
  run: async (context) => (await implementation()).run(context),
});
