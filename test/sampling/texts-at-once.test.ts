/** Texts that are written at once are, number for number, what each would be alone. */

import test from 'ava';
import { type Engine, intTensor, loadEngine, tf } from 'calm-lm/engine';
import {
  calmTable,
  initParameters,
  isDecayed,
  loadHead,
  type ParameterTable,
  PatchDecoder,
  type PatchModel,
  readHead,
  type TextSource,
  TRANSFORMER_DEFAULTS,
  TransformerDecoder,
  transformerTable,
} from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { type GenerateOptions, generate, TextsAtOnce } from 'calm-lm/sampling';
import { drawingModel } from '../helpers/drawing-model.ts';

let engine: Engine;

/** A text to write: its prompt, how, and how many patches. */
interface Wanted {
  readonly prompt: readonly number[];
  readonly patches: number;
  readonly options: Partial<GenerateOptions>;
}

interface Written {
  readonly ids: number[];
  readonly hidden: Float32Array[];
}

async function write(model: PatchModel, source: TextSource, wanted: Wanted, seed: number): Promise<Written> {
  const { prompt, patches, options } = wanted;
  const maxLength = prompt.length + patches * source.patchSize;
  const settings = { temperature: 1, padId: 0, endOfTextId: null, maxLength, ...options };
  const draws = {
    noise: (step: number, size: number, block: number) =>
      model.drawNoise(new RandomStream(seed, step, 'noise', block), size),
    choice: (step: number, _row: number, index: number) =>
      new RandomStream(seed, step, 'choice', index).nextUniform(),
  };
  const written: Written = { ids: [], hidden: [] };
  for await (const { patch, hidden } of generate(source, [Int32Array.from(prompt)], settings, draws)) {
    written.ids.push(...patch);
    written.hidden.push(hidden);
  }
  return written;
}

/** Prompts of several lengths, texts of several lengths, ways of choosing that differ. */
function wantedTexts(model: PatchModel, choices: readonly Partial<GenerateOptions>[]): Wanted[] {
  const stream = new RandomStream(9, 'prompts');
  const { patchSize, config } = model;
  return Array.from({ length: 11 }, (_, i) => ({
    prompt: Array.from({ length: patchSize * [2, 3, 2, 40, 1][i % 5] }, () =>
      stream.nextInteger(config.vocabSize),
    ),
    patches: 3 + 4 * (i % 4) + (i === 3 ? 30 : 0),
    options: choices[i % choices.length],
  }));
}

const SAMPLES: readonly Partial<GenerateOptions>[] = [
  { temperature: 0.5, numCandidates: 20 },
  { temperature: 0.4, numCandidates: 20 },
  { temperature: 0.5, sampler: 'exact', drawBudget: 3000 },
  { temperature: 1 },
  { temperature: 0.7, numCandidates: 12 },
];

/** All parameters random, so that no two draws are alike because a last layer begins at 0. */
const random = (table: ParameterTable) =>
  initParameters(
    Object.fromEntries(
      Object.entries(table).map(([name, spec]) => [
        name,
        isDecayed(spec.shape) ? { ...spec, init: 'normal' as const } : spec,
      ]),
    ),
    5,
    0.4,
  );

async function calm(name: string, sampling: Record<string, number>): Promise<PatchModel> {
  const model = drawingModel(2);
  const head = await loadHead(name);
  const config = { ...model.config, head: readHead('test', name, { numMlpLayers: 1 }) };
  const parameters = name === 'energy' ? model.parameters : random(calmTable(config as never, head));
  return new PatchDecoder(engine, { ...model, config: config as never, head, parameters }, sampling);
}

const TOKENS = {
  ...TRANSFORMER_DEFAULTS,
  vocabSize: 7,
  hiddenSize: 64,
  intermediateSize: 20,
  numHiddenLayers: 2,
};
const TRANSFORMER = { ...TOKENS, numAttentionHeads: 4, numKeyValueHeads: 2 };

const MODELS: readonly [string, () => Promise<PatchModel>, readonly Partial<GenerateOptions>[]][] = [
  ['energy', async () => new PatchDecoder(engine, drawingModel(2)), SAMPLES],
  ['flow', () => calm('flow', { steps: 3 }), SAMPLES],
  ['diffusion', () => calm('diffusion', { steps: 4 }), SAMPLES],
  [
    'Transformer',
    async () =>
      new TransformerDecoder(engine, {
        config: TRANSFORMER,
        parameters: random(transformerTable(TRANSFORMER)),
      }),
    [{ temperature: 0.7 }, { temperature: 1, topK: 4 }, { temperature: 0.9, topP: 0.8 }],
  ],
];

/** One after the other, as a model's turns are. */
function turns() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: (pause: () => Promise<void>) => Promise<T>): Promise<T> => {
    const result = last.then(() => work(async () => {}));
    last = result.catch(() => {});
    return result;
  };
}

test.serial('a prompt of several texts is read once; who waits for a reader holds up no one', async (t) => {
  engine = await loadEngine('onnx');
  const model = await MODELS[3][1]();
  const one = { prompt: [1, 2, 3], patches: 5, options: { temperature: 0.7 } };
  const { sequence } = model;
  const feed = sequence.feed.bind(sequence);
  let numRead = 0;
  sequence.feed = (ids, past, pause) => {
    numRead += Number(past === undefined);
    return feed(ids, past, pause);
  };
  const texts = new TextsAtOnce(model, engine.isCompiling, turns());
  const unread = texts.join();
  const sources = Array.from({ length: 3 }, () => texts.join());
  const written = await Promise.all([
    unread.sequence.feed(intTensor(Int32Array.of(1, 2, 3), [1, 3])),
    ...sources.map((source, seed) => write(model, source, one, seed)),
  ]);
  t.is(numRead, 1);
  for (const [seed] of sources.entries())
    t.deepEqual(written[seed + 1] as Written, await write(model, model, one, seed));
  for (const source of [...sources, unread]) source.leave();
  model.dispose();
});

test.serial('an error of the engine ends the texts that asked, and no other', async (t) => {
  engine = await loadEngine('onnx');
  const model = await MODELS[3][1]();
  const one = { prompt: [1, 2, 3], patches: 5, options: { temperature: 0.7 } };
  const { feedRows } = model.sequence;
  model.sequence.feedRows = async () => {
    throw new Error('out of memory');
  };
  const texts = new TextsAtOnce(model, engine.isCompiling, turns());
  const writeAt = async (seed: number) => {
    const source = texts.join();
    return write(model, source, one, seed).finally(() => source.leave());
  };
  for (const { status } of await Promise.allSettled([writeAt(0), writeAt(1)])) t.is(status, 'rejected');
  model.sequence.feedRows = feedRows;
  t.deepEqual(await Promise.all([writeAt(2)]), [await write(model, model, one, 2)]);
  model.dispose();
});

for (const engineName of ['onnx', 'wasm'] as const)
  for (const [name, make, choices] of MODELS) {
    test.serial(`${name} on ${engineName}: texts at once are those that are written alone`, async (t) => {
      engine = await loadEngine(engineName);
      const model = await make();
      const wanted = wantedTexts(model, choices);
      const alone: Written[] = [];
      for (const [seed, one] of wanted.entries()) alone.push(await write(model, model, one, seed));
      const numTensors = tf.memory().numTensors;
      const calls = { feedRows: 0 };
      const { sequence } = model;
      const feedRows = sequence.feedRows.bind(sequence);
      sequence.feedRows = (...given) => {
        calls.feedRows++;
        return feedRows(...given);
      };
      const texts = new TextsAtOnce(model, engine.isCompiling, turns());
      const together: Written[] = [];
      const next = wanted.entries();
      const writer = async () => {
        for (const [seed, one] of next) {
          const source = texts.join();
          together[seed] = await write(model, source, one, seed).finally(() => source.leave());
        }
      };
      // As one ends, another takes its place.
      await Promise.all(Array.from({ length: 5 }, writer));
      t.is(tf.memory().numTensors, numTensors);
      t.true(calls.feedRows > 10, 'several are fed at once, or the test shows nothing');
      t.true(new Set(together.map(({ ids }) => ids.slice(0, 6).join(' '))).size > 4, 'texts differ');
      for (const [i, { ids, hidden }] of together.entries()) {
        t.deepEqual(ids, alone[i].ids, `${i}`);
        t.deepEqual(hidden, alone[i].hidden, `hidden ${i}`);
      }
      model.dispose();
    });
  }
