import { calmFields, checkLlama, transformerFields } from 'calm-lm/models/config';
import { z } from 'zod';
import { count } from '../fields/count.ts';
import { trainingFields } from '../training/fields.ts';

export const MODELS = ['calm', 'transformer'] as const;

const modelField = z
  .enum(MODELS)
  .default('calm')
  .describe(
    'calm: predicts the next vector. transformer: the discrete Transformer that the paper compares it ' +
      'with, a Llama over tokens, trained by cross-entropy.',
  );

const calmOwn = {
  head: calmFields.head,
  inputMode: calmFields.inputMode,
  patchesPerSequence: z.int().min(2).default(2048).describe('Of a CALM: P, patches a sequence.'),
};

const transformerOwn = {
  tieWordEmbeddings: transformerFields.tieWordEmbeddings.describe(
    'Of a Transformer: whether the head is the input embedding instead of a matrix of its own.',
  ),
  tokensPerSequence: z.int().min(2).default(2048).describe('Of a Transformer: tokens a sequence.'),
  evaluateBrier: z
    .boolean()
    .default(false)
    .describe(
      'Of a Transformer: whether BrierLM is measured with the held-out loss, so that the two can be ' +
        'compared over training.',
    ),
};

const shared = {
  hiddenSize: calmFields.hiddenSize,
  intermediateSize: calmFields.intermediateSize,
  numHiddenLayers: calmFields.numHiddenLayers,
  numAttentionHeads: calmFields.numAttentionHeads,
  numKeyValueHeads: calmFields.numKeyValueHeads,
  ropeTheta: calmFields.ropeTheta,
  initializerRange: calmFields.initializerRange,
  packed: z
    .boolean()
    .optional()
    .describe(
      'Whether sequences are cut from all documents in a row, as they are where this is absent. false: each ' +
        'is one document, filled up with padding, of which nothing is learnt; what is longer is cut off.',
    ),
  sequencesPerStep: count(8).describe('Sequences a micro-batch.'),
  steps: count(250000).describe('Optimiser steps.'),
  warmupSteps: z.int().nonnegative().default(2000).describe('Steps of linear warm-up.'),
  evaluateSequences: count(16).describe('Held-out sequences a measurement, spread evenly.'),
  sampleEvery: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Steps between short samples, into events.jsonl, the terminal and reports; 0 for none.'),
  samplePrompt: z
    .string()
    .default('')
    .describe('What those samples begin with; where it is empty they begin as documents do.'),
  ...trainingFields,
};

const calm = z
  .strictObject({ model: z.literal('calm').default('calm'), ...calmOwn, ...shared })
  .superRefine(checkLlama);
const transformer = z
  .strictObject({ model: z.literal('transformer'), ...transformerOwn, ...shared })
  .superRefine(checkLlama);
/** All fields, for flags, editors and tables of keys. */
const all = z.strictObject({ model: modelField, ...calmOwn, ...transformerOwn, ...shared });

const standard = all['~standard'];

export type CalmFields = z.infer<typeof calm>;
export type TransformerFields = z.infer<typeof transformer>;
export type Config = CalmFields | TransformerFields;

/** Of each model, the fields that are the other one's. */
const FOREIGN = { calm: Object.keys(transformerOwn), transformer: Object.keys(calmOwn) };
const NAMES = { calm: 'a CALM', transformer: 'a Transformer' };

/** Checks the fields that the model has; those of the other one are refused by name. */
function validate(value: unknown) {
  const given = (value ?? {}) as Readonly<Record<string, unknown>>;
  const model = modelField.safeParse(given.model);
  if (!model.success) return standard.validate(value);
  const other = model.data === 'calm' ? 'transformer' : 'calm';
  const foreign = FOREIGN[model.data].find((key) => Object.hasOwn(given, key));
  if (foreign)
    return {
      issues: [
        {
          message:
            `is a field of ${NAMES[other]}, and model is ${model.data}; leave it out, or write ` +
            `model: ${other}`,
          path: [foreign],
        },
      ],
    };
  return (model.data === 'calm' ? calm : transformer)['~standard'].validate(value);
}

/** Options of the energy head that may also stand beside `head`, as in the reference's config.json. */
const BESIDE_HEAD = ['numMlpLayers', 'noiseSize', 'numSamples', 'numTargetSamples', 'beta'];

/** Puts options that stand beside the head into it: what follows knows one way of writing them. */
function withHeadsOptions(value: unknown) {
  const given = (value ?? {}) as Readonly<Record<string, unknown>>;
  const beside = BESIDE_HEAD.filter((key) => Object.hasOwn(given, key));
  if (beside.length === 0 || given.model === 'transformer') return validate(value);
  const { head = calmFields.head.parse(undefined).name, ...others } = given;
  const written = typeof head === 'string' ? { name: head } : head;
  if (written === null || typeof written !== 'object') return validate({ head });
  const twice = beside.find((key) => Object.hasOwn(written, key));
  if (twice) return { issues: [{ message: 'is given in head too; leave one out', path: [twice] }] };
  const options = Object.fromEntries(beside.map((key) => [key, given[key]]));
  const rest = Object.fromEntries(Object.entries(others).filter(([key]) => !beside.includes(key)));
  return validate({ ...rest, head: { ...written, ...options } });
}

export const config = {
  '~standard': { ...standard, validate: withHeadsOptions },
} as unknown as z.ZodType<Config>;
