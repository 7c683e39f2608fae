/** The built-in measures, registered as a third party's are. Each one's work is in a file of its own. */

import {
  brierValues,
  CROSS_ENTROPY,
  RECONSTRUCTION,
  registerMeasure,
  valuesBelow,
} from 'calm-lm/evaluation/measures';
import { z } from 'zod';
import { samplesField } from '../fields/brier.ts';
import { count } from '../fields/count.ts';
import { temperatureField } from '../fields/temperature.ts';
import { protocolField } from './protocols.ts';
import { tasksField } from './tasks-field.ts';

/** Shared by the measures that score BrierLM. */
const brierOptions = {
  protocol: protocolField,
  numSamples: samplesField,
  stride: z
    .int()
    .positive()
    .optional()
    .describe(
      'Of a Transformer: BrierLM is scored at every stride-th token, at every one where absent. A CALM ' +
        'is scored at every K-th.',
    ),
  contextTokens: z
    .int()
    .positive()
    .optional()
    .describe(
      'Of a Transformer: tokens at the beginning of a sequence that are never scored, 1 where absent. A ' +
        'CALM never scores its first K.',
    ),
};
const LONGER = 'train the language model longer';
const brierNeeds = { stride: 'likelihood', contextTokens: 'likelihood' } as const;

registerMeasure({
  name: 'reconstruction',
  summary: "An autoencoder's accuracy on held-out documents, by token and by patch, also under noise.",
  needs: ['autoencoder'],
  isStandard: true,
  options: { numPatches: count(16384).describe('Held-out patches for the reconstruction.') },
  values: [
    ...valuesBelow('reconstruction', RECONSTRUCTION),
    {
      path: 'reconstruction.underNoise',
      label: 'reconstruction under noise',
      drawn: { title: 'reconstruction under noise', kind: 'line', x: 'sigma', y: 'tokenAccuracy' },
    },
    ...valuesBelow('reconstruction.underNoise', {
      sigma: { label: 'σ of the noise on the latents', isSetting: true },
      tokenAccuracy: { label: RECONSTRUCTION.tokenAccuracy.label, isShare: true },
    }),
  ],
  load: async () => (await import('./measures/reconstruction.ts')).reconstruct,
});

registerMeasure({
  name: 'perplexity',
  summary: 'Perplexity of a Transformer on held-out documents, with cross-entropy and bits a byte.',
  needs: ['likelihood'],
  isStandard: true,
  options: {},
  values: [
    { path: 'perplexity.perplexity', label: 'perplexity', better: 'lower', isHeadline: true },
    { path: 'perplexity.crossEntropy', ...CROSS_ENTROPY },
    { path: 'perplexity.bitsPerByte', label: 'bits a byte', better: 'lower' },
  ],
  load: async () => (await import('./measures/perplexity.ts')).measurePerplexity,
});

registerMeasure({
  name: 'brierlm',
  summary: 'BrierLM of a trained model on held-out documents, with its four factors; higher is better.',
  needs: ['model'],
  isStandard: true,
  options: brierOptions,
  optionNeeds: brierNeeds,
  values: brierValues('brierlm', undefined, {
    isHeadline: true,
    references: [
      { label: 'unigram', value: 'unigram.brierLM', advice: LONGER },
      { label: 'untrained', value: 'untrained.brierLM', advice: LONGER },
    ],
  }),
  load: async () => (await import('./measures/brierlm.ts')).scoreAsTheModelAllows,
});

registerMeasure({
  name: 'sampled',
  summary: 'BrierLM from samples alone, also of a model with likelihoods.',
  needs: ['model'],
  options: { protocol: brierOptions.protocol, numSamples: brierOptions.numSamples },
  values: brierValues('sampled', 'sampled'),
  insteadOf: {
    measure: 'brierlm',
    flag: 'from-samples',
    summary: 'from samples alone, also of a Transformer, which is else scored with exact collisions',
  },
  load: async () => (await import('./measures/brierlm.ts')).scoreFromSamples,
});

registerMeasure({
  name: 'energy',
  summary: 'The energy loss of the samples of a CALM, beside that of a context-free predictor.',
  needs: ['latents', 'training text'],
  isStandard: true,
  options: {},
  values: [
    {
      path: 'energy.loss',
      label: 'energy loss',
      better: 'lower',
      isHeadline: true,
      references: [
        {
          label: 'context-free',
          value: 'energy.contextFreeLoss',
          advice: 'the model has learnt nothing from context yet; train it longer',
        },
      ],
    },
    { path: 'energy.contextFreeLoss', label: 'energy loss, context-free', better: 'lower' },
  ],
  load: async () => (await import('./measures/energy.ts')).measureEnergy,
});

registerMeasure({
  name: 'baselines',
  summary: 'BrierLM of the model before its first step, and of a unigram sampler.',
  needs: ['model', 'training text'],
  isStandard: true,
  options: brierOptions,
  optionNeeds: brierNeeds,
  values: [...brierValues('untrained', 'untrained'), ...brierValues('unigram', 'unigram sampler')],
  load: async () => (await import('./measures/baselines.ts')).scoreBaselines,
});

registerMeasure({
  name: 'temperature',
  summary:
    'Accuracy and collision rate of a trained model over temperatures and numbers of candidates ' +
    '(paper §7.5).',
  needs: ['model'],
  options: {
    temperatures: z
      .array(temperatureField)
      .nonempty()
      .default([1, 0.5, 1 / 3])
      .describe('Temperatures of the measure `temperature`.'),
    windowsPerSequence: count(8).describe('Windows of a sequence in the measure `temperature`.'),
    candidateCounts: z
      .array(z.int().min(2))
      .nonempty()
      .optional()
      .describe(
        'Of a CALM: N of the measure `temperature`, one after the other; 200 where absent. A ' +
          'Transformer needs none.',
      ),
  },
  optionNeeds: { candidateCounts: 'samples' },
  flags: { candidateCounts: 'num-candidates' },
  values: [
    { path: 'temperature.temperature', label: 'temperature', isSetting: true },
    { path: 'temperature.numCandidates', label: 'N', isSetting: true },
    { path: 'temperature.accuracy', label: 'accuracy', better: 'higher', isShare: true },
    { path: 'temperature.collision', label: 'collisions', better: 'lower', isShare: true },
  ],
  load: async () => (await import('./measures/temperature.ts')).measureTemperatures,
});

registerMeasure({
  name: 'words',
  summary: 'How many of the longer words that a model writes the corpus has at least five times.',
  needs: ['model', 'training text'],
  isStandard: true,
  options: {
    wordTexts: count(16).describe('Texts that the measure `words` writes, each behind a held-out one.'),
    wordTokens: count(96).describe('Tokens of each.'),
    wordTemperature: temperatureField.default(0.5).describe('Temperature at which they are written.'),
    wordCandidates: z
      .int()
      .min(2)
      .optional()
      .describe('Of a CALM: candidates a patch, 200 where absent. A Transformer needs none.'),
  },
  optionNeeds: { wordCandidates: 'samples' },
  values: [
    { path: 'words.share', label: 'words that the corpus has', better: 'higher', isShare: true },
    { path: 'words.heldOutShare', label: 'the same of held-out text', better: 'higher', isShare: true },
  ],
  load: async () => (await import('./measures/words.ts')).measureWords,
});

registerMeasure({
  name: 'tasks',
  summary: 'Questions that a model answers by writing, or by choosing one of several endings.',
  needs: ['model'],
  askedBy: 'tasks',
  options: { tasks: tasksField },
  values: [
    { path: 'tasks.task', label: 'task', isSetting: true },
    { path: 'tasks.exactMatch', label: 'exact match', better: 'higher', isShare: true },
    { path: 'tasks.majority', label: 'majority right', better: 'higher', isShare: true },
    { path: 'tasks.accuracy', label: 'right choices', better: 'higher', isShare: true },
    { path: 'tasks.accuracyByByte', label: 'right choices, by byte', better: 'higher', isShare: true },
    {
      path: 'answered.exactMatch',
      label: 'tasks, exact match',
      better: 'higher',
      isShare: true,
      isHeadline: true,
    },
    {
      path: 'answered.accuracy',
      label: 'tasks, right choices',
      better: 'higher',
      isShare: true,
      isHeadline: true,
      references: [
        { label: 'chance', value: 'answered.chance', advice: 'the model chooses no better than blindly' },
      ],
    },
  ],
  load: async () => (await import('./measures/tasks.ts')).measureTasks,
});
