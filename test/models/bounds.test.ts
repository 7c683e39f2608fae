import test from 'ava';
import {
  autoencoderFields,
  autoencoderSchema,
  calmFields,
  calmSchema,
  checkedConfig,
  readCalmConfig,
  savedConfig,
  transformerFields,
  transformerSchema,
} from 'calm-lm/models/config';
import type { z } from 'zod';
import { config as trainAutoencoder } from '../../plugins/train-autoencoder/config.ts';
import { config as trainLm } from '../../plugins/train-lm/config.ts';

type Stated = Record<string, unknown>;

interface TrainingStage {
  readonly name: string;
  readonly schema: Pick<z.ZodType<object>, '~standard'>;
  /** What makes it train this model. */
  readonly given?: Stated;
  readonly fields: readonly string[];
  /** What the stage's fields make, saved and loaded again. */
  readonly load: (given: object) => object;
}

const HEAD_OPTIONS = ['numMlpLayers', 'noiseSize', 'numSamples', 'numTargetSamples', 'beta'];

const STAGES: readonly TrainingStage[] = [
  {
    name: 'train-autoencoder',
    schema: trainAutoencoder,
    fields: Object.keys(autoencoderFields),
    load: (given) =>
      checkedConfig('config.json', autoencoderSchema, autoencoderSchema.parse(given) as Stated),
  },
  {
    name: 'train-lm',
    schema: trainLm,
    fields: [...Object.keys(calmFields), ...HEAD_OPTIONS],
    load: (given) => readCalmConfig('config.json', savedConfig(calmSchema.parse(given))),
  },
  {
    name: 'train-lm, model: transformer',
    schema: trainLm,
    given: { model: 'transformer' },
    fields: Object.keys(transformerFields),
    load: (given) =>
      checkedConfig('config.json', transformerSchema, transformerSchema.parse(given) as Stated),
  },
];

/** Numbers on both sides of whatever limit a field may have. */
const VALUES = [
  -1,
  0,
  1e-300,
  0.5,
  0.999,
  1,
  1.5,
  2,
  2.5,
  3,
  12,
  2047,
  2048,
  2049,
  2 ** 24,
  2 ** 24 + 1,
  2 ** 31,
  2 ** 53,
  1e300,
];

/** A value by itself, and with an attention that divides it. */
const settingsOf = (field: string, value: number): Stated[] =>
  HEAD_OPTIONS.includes(field)
    ? [{ head: { [field]: value } }]
    : [{ [field]: value }, { numAttentionHeads: 1, numKeyValueHeads: 1, [field]: value }];

for (const { name, schema, given, fields, load } of STAGES) {
  test(`a model that ${name} would train can be loaded`, async (t) => {
    let numTrained = 0;
    for (const field of fields) {
      for (const settings of VALUES.flatMap((value) => settingsOf(field, value))) {
        const parsed = await schema['~standard'].validate({ ...given, ...settings });
        if (parsed.issues) continue;
        numTrained++;
        t.notThrows(() => load(parsed.value), `${field} ${JSON.stringify(settings)}`);
      }
    }
    t.true(numTrained > 40, String(numTrained));
  });
}

test('what makes no model is refused by the loader, with the key and what it must be', (t) => {
  const refused = (load: (file: string, stated: Stated) => unknown, stated: Stated, problem: RegExp) => {
    const error = t.throws(() => load('x/config.json', stated), { code: 'CALM_CONFIG_UNSUPPORTED' });
    t.regex(error.message, problem);
    t.true(error.message.startsWith(`x/config.json: ${Object.keys(stated)[0]} is `), error.message);
  };
  const autoencoder = (file: string, stated: Stated) => checkedConfig(file, autoencoderSchema, stated);
  const transformer = (file: string, stated: Stated) => checkedConfig(file, transformerSchema, stated);
  refused(autoencoder, { numEncoderLayers: -1 }, /is -1: must be a whole number from 0 to 2048\.$/);
  refused(autoencoder, { patchSize: 0 }, /is 0: must be a whole number from 1 to 16777216\.$/);
  refused(autoencoder, { variant: 'plane' }, /is "plane": must be robust or plain\.$/);
  refused(autoencoder, { padTokenId: 128256 }, /must be below 128256/);
  refused(readCalmConfig, { numHiddenLayers: 0 }, /must be a whole number from 1 to 2048/);
  refused(readCalmConfig, { ropeTheta: 0 }, /must be a number above 0/);
  refused(readCalmConfig, { inputMode: 'words' }, /must be discrete or continuous or both/);
  refused(readCalmConfig, { beta: 0 }, /must be a number above 0, at most 2/);
  refused(readCalmConfig, { noiseSize: '8' }, /is "8": must be a whole number/);
  refused(readCalmConfig, { modelType: 7 }, /must be the name of a head/);
  refused(transformer, { hiddenSize: 2 ** 24 + 2 }, /must be a whole number from 1 to 16777216/);
  refused(transformer, { hiddenSize: 100 }, /must be a multiple of 2 · numAttentionHeads \(24\)/);
  refused(transformer, { numKeyValueHeads: 5 }, /must divide numAttentionHeads \(12\)/);
});

test('key/value heads that are not stated, or null, are as many as attention heads', (t) => {
  const read = (stated: Stated) =>
    readCalmConfig('config.json', { hiddenSize: 64, ...stated }).numKeyValueHeads;
  t.is(read({ numAttentionHeads: 4 }), 4);
  t.is(read({ numAttentionHeads: 4, numKeyValueHeads: null }), 4);
  t.is(read({ numAttentionHeads: 4, numKeyValueHeads: 2 }), 2);
});
