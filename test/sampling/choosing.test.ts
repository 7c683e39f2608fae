import test from 'ava';
import { type Engine, floatTensor, loadEngine, type Tensor } from 'calm-lm/engine';
import { PatchDecoder } from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { choose, powerOf } from 'calm-lm/sampling';
import { drawingModel } from '../helpers/drawing-model.ts';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('onnx');
});

/** The same hidden state for every row, one at which the model is neither sure nor clueless. */
function hiddenRows(decoder: PatchDecoder, rows: number): Tensor {
  const { hiddenSize } = decoder.model.config;
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
      powerOf(temperature),
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
  const found = await choose(decoder, hidden, powerOf(0.05), options, {
    noise: (size) => decoder.drawNoise(stream, size),
    uniform: () => stream.nextUniform(),
  });
  t.deepEqual(found.fallbacks, [true, true]);
  t.deepEqual(found.draws, [40, 40]);
  for (const patch of found.patches) t.is(patch.length, 4);
  hidden.dispose();
});
