import test from 'ava';
import { type Engine, loadEngine } from 'calm-lm/engine';
import {
  aggregateBrier,
  type BrierBatch,
  type ContinuationSampler,
  estimateBrier,
  estimateBrierExactly,
  scoreWindow,
} from 'calm-lm/evaluation';
import {
  initParameters,
  PatchDecoder,
  TRANSFORMER_DEFAULTS,
  TransformerDecoder,
  transformerTable,
} from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { drawingModel, VOCABULARY } from '../helpers/drawing-model.ts';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('onnx');
});

/** Outcomes of two tokens with these probabilities; the truth is the first of each. */
const OUTCOMES = [
  { path: [1, 1, 1, 1], p: 0.5 },
  { path: [1, 1, 1, 2], p: 0.2 },
  { path: [1, 2, 1, 1], p: 0.2 },
  { path: [3], p: 0.1 },
];
const EXACT = [
  2 * 0.9 - (0.9 ** 2 + 0.1 ** 2),
  2 * 0.7 - (0.7 ** 2 + 0.2 ** 2),
  2 * 0.7 - (0.7 ** 2 + 0.2 ** 2),
  2 * 0.5 - (0.5 ** 2 + 0.2 ** 2 + 0.2 ** 2),
];

test(
  'the U-statistic is unbiased for any number of samples, and more of them give less ' + 'variance',
  async (t) => {
    const stream = new RandomStream(4);
    const sampler: ContinuationSampler = {
      sample: async (_, numSamples) =>
        Array.from({ length: numSamples }, () => {
          let u = stream.nextUniform();
          return Int32Array.from(
            OUTCOMES[
              Math.max(
                0,
                OUTCOMES.findIndex(({ p }) => (u -= p) < 0),
              )
            ].path,
          );
        }),
    };
    const deviations: number[] = [];
    for (const numSamples of [2, 3, 8]) {
      const rounds = 20_000;
      const sums = [0, 0, 0, 0];
      let squares = 0;
      for (let i = 0; i < rounds; i++) {
        const { sums: found } = await scoreWindow(
          sampler,
          { prefix: Int32Array.of(0), target: Int32Array.of(1, 1, 1, 1) },
          numSamples,
        );
        found.forEach((value, n) => {
          sums[n] += value / rounds;
        });
        squares += (found[3] - EXACT[3]) ** 2 / rounds;
      }
      // Four standard errors of a value in [−1, 1].
      sums.forEach((value, n) => {
        t.true(
          Math.abs(value - EXACT[n]) < 4 / Math.sqrt(rounds),
          `S ${numSamples}, Brier-${n + 1}: ${value} ${EXACT[n]}`,
        );
      });
      deviations.push(squares);
    }
    t.true(deviations[0] > deviations[1] && deviations[1] > deviations[2], deviations.join(' '));
  },
);

const config = {
  ...TRANSFORMER_DEFAULTS,
  vocabSize: 5,
  hiddenSize: 8,
  intermediateSize: 12,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
};

test.serial('the baseline scored with exact collisions and from samples alone agree', async (t) => {
  const decoder = new TransformerDecoder(engine, {
    config,
    parameters: initParameters(transformerTable(config), 3, 0.8),
  });
  const stream = new RandomStream(6, 'ids');
  const ids = Array.from({ length: 4 }, () => Int32Array.from({ length: 40 }, () => stream.nextInteger(5)));
  const [exact, sampled]: [BrierBatch[], BrierBatch[]] = [[], []];
  for (let round = 0; round < 12; round++) {
    const take = (
      at: { row: number; window: number; sample: number; step: number },
      draw: (u: number) => number,
    ) => draw(new RandomStream(round, at.row, at.window, at.sample, at.step).nextUniform());
    exact.push(await estimateBrierExactly(decoder, ids, take, { numSamples: 8 }));
    const draws = {
      accuracy: (size: number) => new RandomStream(round, 'accuracy').uniforms(size),
      rollout: (_: unknown, step: number, size: number) =>
        new RandomStream(round, 'rollout', step).uniforms(size),
    };
    sampled.push(await estimateBrier(decoder, ids, draws, { numSamples: 16, fromSamples: true }));
  }
  const [a, b] = [aggregateBrier(exact, 'weighted'), aggregateBrier(sampled, 'weighted')];
  a.brier.forEach((value, n) => {
    t.true(Math.abs(value - b.brier[n]) < 0.02, `Brier-${n + 1}: ${value} ${b.brier[n]}`);
  });
});

test.serial('K = 1, 2, 4: two samples and eight agree', async (t) => {
  for (const patchSize of [1, 2, 4]) {
    const decoder = new PatchDecoder(engine, drawingModel(patchSize));
    const stream = new RandomStream(8, 'ids');
    const ids = Array.from({ length: 4 }, () =>
      Int32Array.from({ length: 33 * patchSize }, () => stream.nextInteger(VOCABULARY)),
    );
    const scores: (readonly number[])[] = [];
    for (const numSamples of [2, 8]) {
      const batches: BrierBatch[] = [];
      for (let round = 0; round < (numSamples === 2 ? 24 : 6); round++) {
        const draws = {
          accuracy: (size: number) =>
            decoder.drawNoise(new RandomStream(round, 'accuracy', numSamples), size),
          rollout: (_: unknown, step: number, size: number) =>
            decoder.drawNoise(new RandomStream(round, 'rollout', numSamples, step), size),
        };
        batches.push(await estimateBrier(decoder, ids, draws, { numSamples }));
      }
      scores.push(aggregateBrier(batches, 'weighted').brier);
    }
    scores[0].forEach((value, n) => {
      t.true(
        Math.abs(value - scores[1][n]) < 0.08,
        `K ${patchSize}, Brier-${n + 1}: ${value} ${scores[1][n]}`,
      );
    });
  }
});
