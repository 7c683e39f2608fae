import test from 'ava';
import {
  AUTOENCODER_DEFAULTS,
  CALM_DEFAULTS,
  checkedConfig,
  configure,
  TRANSFORMER_DEFAULTS,
} from 'calm-lm/models/config';
import type { z } from 'zod';
import { config as trainAutoencoder } from '../../plugins/train-autoencoder/config.ts';
import { config as trainBaseline } from '../../plugins/train-baseline/config.ts';
import { config as trainLm } from '../../plugins/train-lm/config.ts';

const STAGES: readonly (readonly [string, z.ZodType<object>, object])[] = [
  ['train-autoencoder', trainAutoencoder, AUTOENCODER_DEFAULTS],
  ['train-lm', trainLm, CALM_DEFAULTS],
  ['train-baseline', trainBaseline, TRANSFORMER_DEFAULTS],
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
const settingsOf = (field: string, value: number) => [
  { [field]: value },
  { numAttentionHeads: 1, numKeyValueHeads: 1, [field]: value },
];

for (const [stage, schema, defaults] of STAGES) {
  test(`a model that ${stage} would train can be loaded`, (t) => {
    const fields = Object.entries(defaults).filter(([, value]) => typeof value !== 'string');
    let numTrained = 0;
    for (const [field] of fields) {
      for (const settings of VALUES.flatMap((value) => settingsOf(field, value))) {
        const parsed = schema.safeParse(settings);
        if (!parsed.success) continue;
        numTrained++;
        const { numKeyValueHeads, ...rest } = configure(defaults, parsed.data) as Record<string, unknown>;
        const heads = (parsed.data as { numKeyValueHeads?: number }).numKeyValueHeads;
        const stated = { ...rest, numKeyValueHeads: heads ?? rest.numAttentionHeads };
        if (!('numKeyValueHeads' in defaults)) Reflect.deleteProperty(stated, 'numKeyValueHeads');
        t.notThrows(
          () => checkedConfig('config.json', defaults, stated),
          `${field} ${JSON.stringify(settings)}`,
        );
      }
    }
    t.true(numTrained > 40, String(numTrained));
  });
}

test('what makes no model is refused by the loader', (t) => {
  const refused = (defaults: object, stated: Record<string, unknown>) =>
    t.throws(() => checkedConfig('config.json', defaults, stated), { code: 'CALM_CONFIG_UNSUPPORTED' });
  refused(AUTOENCODER_DEFAULTS, { numEncoderLayers: -1 });
  refused(AUTOENCODER_DEFAULTS, { patchSize: 0 });
  refused(CALM_DEFAULTS, { numHiddenLayers: 0 });
  refused(CALM_DEFAULTS, { ropeTheta: 0 });
  refused(CALM_DEFAULTS, { beta: 0 });
  refused(TRANSFORMER_DEFAULTS, { hiddenSize: 2 ** 24 + 2 });
});
