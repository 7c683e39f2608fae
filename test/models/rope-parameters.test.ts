import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  autoencoderFields,
  autoencoderSchema,
  calmFields,
  checkedConfig,
  transformerFields,
  transformerSchema,
} from 'calm-lm/models/config';
import { backboneSchema } from '../../src/models/calm/config.ts';
import { readReferenceConfig } from '../../src/models/reference-config.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const MODELS = {
  autoencoder: { fields: autoencoderFields, schema: autoencoderSchema },
  calm: { fields: calmFields, schema: backboneSchema },
  baseline: { fields: transformerFields, schema: transformerSchema },
};

for (const [name, { fields, schema }] of Object.entries(MODELS)) {
  test(`rotary positions of older and newer configurations (${name})`, async (t) => {
    const folder = temporaryFolder(t);
    const read = async (given: object) => {
      writeFileSync(join(folder, 'config.json'), JSON.stringify(given));
      const { file, stated, unknown } = await readReferenceConfig(folder, Object.keys(fields));
      return { config: checkedConfig(file, schema, stated), unknown };
    };
    const theta = async (config: object) =>
      ((await read({ ...config })).config as { ropeTheta?: number }).ropeTheta;
    const expected = (value: number) => ('ropeTheta' in fields ? value : undefined);
    t.is(await theta({}), expected(10_000));
    const standard = { rope_theta: 5e5, rope_type: 'default' };
    t.is(await theta({ rope_parameters: standard }), expected(5e5));
    t.is(await theta({ rope_theta: 5e5, rope_parameters: standard, rope_scaling: null }), expected(5e5));
    t.is(await theta({ rope_theta: 5e5, rope_parameters: null }), expected(5e5));
    t.is(await theta({ rope_theta: 5e5, rope_scaling: { type: 'default' } }), expected(5e5));
    t.is(await theta({ rope_parameters: { rope_theta: 5e5 } }), expected(5e5));
    const extended = await read({ rope_parameters: { ...standard, attention_factor: 1, spare: 2 } });
    t.deepEqual(extended.unknown, ['ropeParameters.attention_factor', 'ropeParameters.spare']);

    const refused = async (config: object, code: string, message: RegExp) => {
      const error = await t.throwsAsync(read(config));
      t.like(error, { code });
      t.regex(error.message, message);
    };
    const unsupported = (config: object, message: RegExp) =>
      refused(config, 'CALM_CONFIG_UNSUPPORTED', message);
    await unsupported(
      { rope_parameters: { rope_theta: 5e5, rope_type: 'llama3', factor: 8 } },
      /config\.json: ropeParameters\.ropeType is "llama3", and only "default"/,
    );
    await unsupported({ rope_scaling: { type: 'linear', factor: 2 } }, /ropeScaling\.ropeType is "linear"/);
    await unsupported({ rope_scaling: { rope_type: 'yarn' } }, /ropeScaling\.ropeType is "yarn"/);
    await unsupported({ rope_scaling: { rope_type: 'default', type: 'dynamic' } }, /"dynamic"/);
    await unsupported({ rope_scaling: { factor: 2 } }, /ropeScaling is \{"factor":2\}/);
    await unsupported({ rope_parameters: { full_attention: standard } }, /ropeParameters is/);
    await unsupported({ rope_parameters: 'default' }, /ropeParameters is "default"/);
    await unsupported(
      { rope_parameters: { ...standard, partial_rotary_factor: 0.5 } },
      /partialRotaryFactor/,
    );
    await unsupported({ partial_rotary_factor: 0.25 }, /partialRotaryFactor/);
    await refused(
      { rope_theta: 10_000, rope_parameters: standard },
      'CALM_ROPE_CONFLICT',
      /ropeTheta is 10000, but ropeParameters\.ropeTheta is 500000/,
    );
    if ('ropeTheta' in fields)
      await unsupported({ rope_parameters: { rope_theta: 'large' } }, /ropeTheta is "large"/);
  });
}
