import { languageModelFolder } from 'calm-lm/artifacts';
import { defineStage } from 'calm-lm/plugin';
import { samples } from '../shared/samples.ts';
import { config } from './config.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');

export default defineStage({
  name: 'sample-baseline',
  summary: 'Writes text with the discrete baseline: temperature, top-k, top-p.',
  config,
  usesEngine: true,
  inputs: { baseline: languageModelFolder },
  outputs: { samples },
  isInteractive: true,
  run: async (context) => (await implementation()).run(context),
});
