import test from 'ava';
import { type Engine, floatTensor, intTensor, loadEngine, type Tensor, tf } from 'calm-lm/engine';
import {
  initParameters,
  PatchDecoder,
  runTransformer,
  TRANSFORMER_DEFAULTS,
  TransformerDecoder,
  tokenLogits,
  transformerTable,
} from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { choose, generate } from 'calm-lm/sampling';
import { drawingModel } from '../helpers/drawing-model.ts';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('onnx');
});

/** The same hidden state for every row, one at which the model is neither sure nor clueless. */
function hiddenRows(decoder: PatchDecoder | TransformerDecoder, rows: number): Tensor {
  const { hiddenSize } = decoder.config;
  const one = new RandomStream(2, 'hidden').normals(hiddenSize).map((x) => 3 * x);
  return floatTensor(
    Float32Array.from({ length: rows * hiddenSize }, (_, i) => one[i % hiddenSize]),
    [rows, hiddenSize],
  );
}

/** How often each patch is chosen, over all rows of some calls. */
async function frequencies(
  decoder: PatchDecoder,
  temperature: number,
  sampler: 'exact' | 'batch',
  numCandidates: number,
  rows: number,
  calls: number,
) {
  const counts = new Map<string, number>();
  let fallbacks = 0;
  for (let call = 0; call < calls; call++) {
    const hidden = hiddenRows(decoder, rows);
    const stream = (...labels: (string | number)[]) => new RandomStream(7, sampler, call, ...labels);
    const uniforms = Array.from({ length: rows }, (_, row) => stream('uniform', row));
    const found = await choose(
      decoder,
      hidden,
      { temperature, sampler, numCandidates },
      {
        noise: (size, block) => decoder.drawNoise(stream('noise', block), size),
        uniform: (row) => uniforms[row].nextUniform(),
      },
    );
    hidden.dispose();
    for (const patch of found.patches)
      counts.set(patch.join(' '), (counts.get(patch.join(' ')) ?? 0) + 1 / (rows * calls));
    fallbacks += found.fallbacks.filter(Boolean).length;
  }
  return { counts, fallbacks };
}

for (const temperature of [0.5, 0.4]) {
  test.serial(
    `through a model, the exact sampler and a batch of 2000 agree at T = ${temperature}`,
    async (t) => {
      const decoder = new PatchDecoder(engine, drawingModel(2));
      const exact = await frequencies(decoder, temperature, 'exact', 200, 250, 8);
      const batch = await frequencies(decoder, temperature, 'batch', 2000, 20, 100);
      t.is(exact.fallbacks, 0);
      const all = new Set([...exact.counts.keys(), ...batch.counts.keys()]);
      const variation =
        [...all].reduce(
          (sum, key) => sum + Math.abs((exact.counts.get(key) ?? 0) - (batch.counts.get(key) ?? 0)),
          0,
        ) / 2;
      t.true(exact.counts.size > 1, 'more than one patch is chosen, or the test shows nothing');
      // Two frequencies of 2000 choices each.
      t.true(variation < 0.05, `total variation ${variation}`);
    },
  );
}

test.serial('draws that run out are said, and the batch approximation chooses', async (t) => {
  const decoder = new PatchDecoder(engine, drawingModel(4));
  const hidden = hiddenRows(decoder, 2);
  const stream = new RandomStream(3);
  const options = { temperature: 0.05, sampler: 'exact', numCandidates: 20, drawBudget: 40 } as const;
  const found = await choose(decoder, hidden, options, {
    noise: (size) => decoder.drawNoise(stream, size),
    uniform: () => stream.nextUniform(),
  });
  t.deepEqual(found.fallbacks, [true, true]);
  t.deepEqual(found.draws, [40, 40]);
  for (const patch of found.patches) t.is(patch.length, 4);
  hidden.dispose();
});

const TOKENS = {
  ...TRANSFORMER_DEFAULTS,
  vocabSize: 7,
  hiddenSize: 8,
  intermediateSize: 12,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  numKeyValueHeads: 2,
};

/** The token that a uniform number takes after a prefix at a temperature, by one pass over all of it. */
async function tokenAfter(
  decoder: TransformerDecoder,
  prefix: number[],
  temperature: number,
  uniform: number,
) {
  const { parameters } = decoder.model;
  const ids = intTensor(Int32Array.from(prefix), [1, prefix.length]);
  const logits = tf.reshape(tokenLogits(parameters, runTransformer(parameters, TOKENS, ids).hidden), [-1, 7]);
  const last = tf.softmax(tf.div(tf.slice(logits, [prefix.length - 1, 0], [1, 7]), temperature));
  let left = uniform;
  return [...(await last.data())].findIndex((p) => (left -= p) < 0);
}

test.serial(
  'a Transformer writes by the same generation: a token a patch, from its distribution',
  async (t) => {
    const decoder = new TransformerDecoder(engine, {
      config: TOKENS,
      parameters: initParameters(transformerTable(TOKENS), 3, 0.8),
    });
    const uniforms = new RandomStream(5, 'uniform').uniforms(12);
    const options = { temperature: 0.7, maxLength: 3 + 12, padId: 0, endOfTextId: null };
    const draws = { noise: () => new Float32Array(), choice: (step: number) => uniforms[step] };
    const written = [1, 4, 2];
    for await (const { patch } of generate(decoder, [Int32Array.of(1, 4, 2)], options, draws)) {
      t.is(patch.length, 1);
      const uniform = uniforms[written.length - 3];
      t.is(patch[0], await tokenAfter(decoder, written, 0.7, uniform));
      written.push(patch[0]);
    }
    t.is(written.length, 3 + 12);
    t.true(new Set(written.slice(3)).size > 1, 'more than one token, or the test shows nothing');

    const hidden = hiddenRows(decoder, 3);
    const likeliest = await choose(
      decoder,
      hidden,
      { temperature: 1, topK: 1 },
      {
        noise: () => new Float32Array(),
        uniform: (row) => [0, 0.5, 0.999][row],
      },
    );
    t.is(new Set(likeliest.patches.map(([token]) => token)).size, 1, 'topK: 1 leaves one token');
    hidden.dispose();
  },
);

test.serial('options that a model has no use for are refused', async (t) => {
  const samples = new PatchDecoder(engine, drawingModel(2));
  const tokens = new TransformerDecoder(engine, {
    config: TOKENS,
    parameters: initParameters(transformerTable(TOKENS), 3, 0.8),
  });
  const draws = { noise: (size: number) => new Float32Array(size), uniform: () => 0.5 };
  for (const option of [{ topK: 3 }, { topP: 0.5 }])
    await t.throwsAsync(choose(samples, hiddenRows(samples, 1), { temperature: 1, ...option }, draws), {
      code: 'CALM_SAMPLING_OPTION',
    });
  for (const option of [{ sampler: 'exact' }, { numCandidates: 20 }, { drawBudget: 9 }] as const)
    await t.throwsAsync(choose(tokens, hiddenRows(tokens, 1), { temperature: 1, ...option }, draws), {
      code: 'CALM_SAMPLING_OPTION',
    });
});
