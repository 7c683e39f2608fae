import { calmFields, checkLlama } from 'calm-lm/models/config';
import { z } from 'zod';
import { backboneFields } from '../shared/backbone-fields.ts';
import { count } from '../shared/count.ts';
import { trainingFields } from '../shared/training-fields.ts';

export const config = z
  .strictObject({
    head: calmFields.head,
    inputMode: calmFields.inputMode,
    ...backboneFields(calmFields),
    patchesPerSequence: z.int().min(2).default(2048).describe('P, patches a sequence.'),
    sequencesPerStep: count(8).describe('Sequences a micro-batch.'),
    steps: count(250000).describe('Optimiser steps.'),
    warmupSteps: z.int().nonnegative().default(2000).describe('Steps of linear warm-up.'),
    evaluateSequences: count(16).describe('Held-out sequences a measurement, spread evenly.'),
    ...trainingFields,
  })
  .superRefine(checkLlama);

const inHead = (option: string) => `\`head: { name: energy, ${option}: … }\``;

/** Options of heads that stood beside the head. */
export const MOVED = Object.fromEntries(
  ['numMlpLayers', 'noiseSize', 'numSamples', 'numTargetSamples', 'beta'].map((name) => [name, inHead(name)]),
);
