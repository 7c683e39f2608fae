import test from 'ava';
import { middleOf, networkTime } from 'calm-lm/models';
import {
  calmSchema,
  type HeadEntry,
  headEntries,
  readCalmConfig,
  registerHead,
  samplingOptions,
  savedConfig,
} from 'calm-lm/models/config';
import { z } from 'zod';

const load = async () => {
  throw new Error('not needed');
};
const entry = (changes: object): HeadEntry => ({
  name: 'mine',
  summary: 'One of a test.',
  options: z.object({ depth: z.int().default(3) }),
  sampling: z.object({}),
  load,
  ...changes,
});

test('a head has the defaults of its options under its short form', (t) => {
  t.deepEqual(calmSchema.parse({}).head, calmSchema.parse({ head: { name: 'energy' } }).head);
  t.deepEqual(calmSchema.parse({ head: 'flow' }).head, { name: 'flow', numMlpLayers: 4, numSamples: 8 });
  t.is(calmSchema.parse({ head: { noiseSize: 5 } }).head.noiseSize, 5);
});

test('config.json has a model as the reference names it, and gives it back', (t) => {
  for (const { name } of headEntries().filter(({ load: own }) => own !== load)) {
    const config = calmSchema.parse({ head: { name, numMlpLayers: 7 }, hiddenSize: 48 });
    const saved = savedConfig(config);
    t.like(saved, { modelType: name, numMlpLayers: 7, numSamples: 8, hiddenSize: 48 });
    t.false('head' in saved);
    t.deepEqual(readCalmConfig('config.json', saved), config);
  }
  t.like(savedConfig(calmSchema.parse({})), { noiseSize: 64, beta: 1, numTargetSamples: 100 });
});

test('midpoints are told to the network as PyTorch adds them up', (t) => {
  // ((torch.full((1,), i / n) + 0.5 * (1 / n)) * 1000).long(), torch 2.15
  const recorded = {
    20: [
      ...[25, 75, 125, 175, 225, 275, 325, 375, 425, 475],
      ...[525, 575, 625, 674, 724, 775, 825, 875, 924, 974],
    ],
    25: [
      ...[20, 60, 99, 140, 179, 220, 260, 300, 340, 380, 420, 460],
      ...[500, 539, 580, 620, 659, 700, 740, 780, 820, 859, 900, 940, 979],
    ],
  };
  for (const [steps, times] of Object.entries(recorded))
    t.deepEqual(
      times.map((_, i) => networkTime(middleOf(i, Number(steps)))),
      times,
    );
});

test('options of sampling are the head’s own', (t) => {
  t.deepEqual(samplingOptions('flow', { steps: 3 }), { steps: 3, method: 'midpoint', noiseTemperature: 1 });
  t.deepEqual(samplingOptions('energy'), {});
  for (const [head, given] of [
    ['energy', { steps: 3 }],
    ['diffusion', { method: 'euler' }],
    ['diffusion', { steps: 1001 }],
    ['flow', { steps: 0 }],
  ] as const)
    t.throws(() => samplingOptions(head, given), { code: 'CALM_HEAD_OPTION' });
});

test('a head that can’t be one is refused with the reason', (t) => {
  const refused = (changes: object, problem: RegExp) => {
    const error = t.throws(() => registerHead(entry(changes)), { code: 'CALM_HEAD_INVALID' });
    t.regex(error.message, problem);
  };
  refused({ name: 'Mine' }, /kebab-case/);
  refused({ load: undefined }, /no load\(\)/);
  refused({ options: {} }, /options must be a zod object/);
  refused({ sampling: undefined }, /sampling must be a zod object/);
  refused({ options: z.object({ my_depth: z.int() }) }, /"my_depth" must be camelCase/);
  refused({ options: z.object({ name: z.string() }) }, /"name"/);
  refused({ options: z.object({ hiddenSize: z.int() }) }, /"hiddenSize" would take a key of the model/);
  refused({ savedAs: { depth: 'patchSize' } }, /"depth" would take a key of the model/);
});

test('a head is registered once, and saved under the keys that it says', (t) => {
  const mine = entry({ name: 'mine', savedAs: { depth: 'mineDepth' } });
  registerHead(mine);
  registerHead(mine);
  t.throws(() => registerHead(entry({})), { code: 'CALM_HEAD_DUPLICATE' });
  const config = calmSchema.parse({ head: { name: 'mine', depth: 9 } });
  t.is(savedConfig(config).mineDepth, 9);
  t.false('depth' in savedConfig(config));
  t.deepEqual(readCalmConfig('config.json', savedConfig(config)), config);
  t.throws(() => readCalmConfig('x.json', { modelType: 'mine', mineDepth: 'deep' }), {
    code: 'CALM_CONFIG_UNSUPPORTED',
    message: /^x\.json: mineDepth is "deep": /,
  });
  t.throws(() => readCalmConfig('x.json', { modelType: 'another' }), { code: 'CALM_HEAD_UNKNOWN' });
});
