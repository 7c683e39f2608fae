/** Options of the head that stand beside it. */

import test from 'ava';
import { config } from '../../plugins/train-lm/config.ts';

const read = (value: unknown) =>
  config['~standard'].validate(value) as { readonly issues?: readonly unknown[] };

test('options of the energy head may stand beside it, and mean the same', (t) => {
  const options = { numMlpLayers: 1, noiseSize: 8, numSamples: 2, numTargetSamples: 4 };
  const within = read({ head: { name: 'energy', ...options } });
  t.is(within.issues, undefined);
  for (const beside of [options, { head: 'energy', ...options }]) t.deepEqual(read({ ...beside }), within);
  t.deepEqual(
    read({ head: { name: 'energy', numMlpLayers: 1, noiseSize: 8 }, numSamples: 2, numTargetSamples: 4 }),
    within,
  );
  t.deepEqual(read({ head: 'flow', numMlpLayers: 3 }), read({ head: { name: 'flow', numMlpLayers: 3 } }));
});

test('an option that is given twice, of another head or of no CALM is refused', (t) => {
  const messages = (value: unknown) => JSON.stringify(read(value).issues);
  t.regex(messages({ head: { name: 'energy', noiseSize: 4 }, noiseSize: 8 }), /given in head too.*noiseSize/);
  t.regex(messages({ head: 'flow', noiseSize: 8 }), /no option \\"noiseSize\\"/);
  t.regex(messages({ head: 7, noiseSize: 8 }), /must be the name of a head/);
  t.regex(messages({ head: null, noiseSize: 8 }), /head/);
  t.regex(messages({ noiseSize: 0 }), /noiseSize/);
  t.regex(messages({ model: 'transformer', noiseSize: 8 }), /noiseSize/);
});
