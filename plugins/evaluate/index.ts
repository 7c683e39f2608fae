import { existsSync } from 'node:fs';
import { autoencoderFolder, languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { fileMissing } from 'calm-lm/errors';
import { allMeasures, labelsOf } from 'calm-lm/evaluation/measures';
import { defineStage, optional } from 'calm-lm/plugin';
import { checkHeadSampling, isTransformerAhead } from '../checks/model.ts';
import { checkSplit, patchSizeOf } from '../checks/splits.ts';
import { type Config, config } from './config.ts';
import { evaluation } from './evaluation.ts';
import { tokensAtOnce } from './lengths.ts';
import { chooseMeasures, wantedMeasures } from './needs.ts';
import type { Task } from './tasks-field.ts';

/** Loaded when the stage runs: the tensor library has no place in `calm --help`. */
const implementation = () => import('./run.ts');
const taskChecking = () => import('./measures/tasks.ts');

const tasksOf = ({ tasks }: Config) => (tasks ?? []) as readonly Task[];
const taskFiles = (given: Config) =>
  tasksOf(given).flatMap(({ file, shotsFrom }) => [file, ...(shotsFrom === undefined ? [] : [shotsFrom])]);

export default defineStage({
  name: 'evaluate',
  summary:
    'Evaluates a run on held-out documents: reconstruction, BrierLM, perplexity, the energy loss, and more.',
  config,
  usesEngine: true,
  parts: wantedMeasures,
  // A run without a language model is evaluated by its autoencoder alone; a CALM has its own autoencoder
  // inside.
  inputs: {
    tokens: tokenShards,
    autoencoder: optional(autoencoderFolder),
    model: optional(languageModelFolder),
  },
  outputs: { evaluation },
  downloads: (given) => taskFiles(given).map((address) => ({ address, use: 'data' as const })),
  sources: async (given, resolvePath) => {
    // Without tasks nothing is part of a fingerprint.
    if (given.tasks === undefined) return undefined;
    const files = [...new Set(taskFiles(given).map(resolvePath))];
    for (const path of files) if (!existsSync(path)) throw fileMissing(path, 'tasks');
    return files.map((path) => ({ path, role: 'task' }));
  },
  check: async (given, { tokens, autoencoder, model }, resolvePath) => {
    for (const task of tasksOf(given)) (await taskChecking()).openTask(task, resolvePath);
    checkHeadSampling(given.headSampling, model);
    const patchSize = patchSizeOf(autoencoder);
    const isTransformer = isTransformerAhead(model);
    const sizeOfModel = isTransformer ? 1 : patchSize;
    if (isTransformer !== undefined)
      chooseMeasures(given, { isTransformer, hasAutoencoder: autoencoder !== undefined || !isTransformer });
    const wanted = model ? sizeOfModel && tokensAtOnce(given, sizeOfModel, isTransformer) : patchSize;
    checkSplit(tokens, 'validation', wanted);
  },
  questions: () =>
    allMeasures().map(({ name, summary, options, flags, insteadOf }) => ({
      name,
      summary,
      fields: {
        numSequences: undefined,
        ...Object.fromEntries(Object.keys(options).map((option) => [option, flags?.[option]])),
      },
      ...(insteadOf
        ? { insteadOf: { question: insteadOf.measure, flag: insteadOf.flag, summary: insteadOf.summary } }
        : {}),
    })),
  labels: () => labelsOf(allMeasures().flatMap(({ values }) => values)),
  run: async (context) => (await implementation()).run(context),
});
