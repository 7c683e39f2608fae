/**
 * Every measure hears a signal soon: few engine calls lie between two pauses, none follows an abort, and
 * pauses change no number.
 */

import test from 'ava';
import { type Engine, loadEngine } from 'calm-lm/engine';
import {
  brierInterval,
  type EncodedSequence,
  EnergyScore,
  estimateBrier,
  estimateBrierExactly,
  HeldOutLoss,
  measureCrossEntropy,
  measureReconstruction,
  measureTemperature,
  type Pause,
  scoreBrier,
} from 'calm-lm/evaluation';
import {
  energyHead,
  initParameters,
  PatchDecoder,
  TRANSFORMER_DEFAULTS,
  TransformerDecoder,
  transformerTable,
} from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { choose } from 'calm-lm/sampling';
import { drawingModel, VOCABULARY } from '../helpers/drawing-model.ts';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('wasm');
});

const stream = new RandomStream(4, 'ids');
const sequences = (patchSize: number, count = 20, patches = 9) =>
  Array.from({ length: count }, () =>
    Int32Array.from({ length: patches * patchSize }, () => stream.nextInteger(VOCABULARY)),
  );

function transformer(counted: Engine): TransformerDecoder {
  const config = {
    ...TRANSFORMER_DEFAULTS,
    vocabSize: VOCABULARY,
    hiddenSize: 8,
    intermediateSize: 8,
    numHiddenLayers: 1,
    numAttentionHeads: 2,
    numKeyValueHeads: 2,
  };
  return new TransformerDecoder(counted, {
    config,
    parameters: initParameters(transformerTable(config), 3, 0.8),
  });
}

const noise = (label: string) => (size: number) => new RandomStream(1, label).uniforms(size);
const draws = {
  accuracy: noise('accuracy'),
  rollout: (_: unknown, step: number, size: number) => noise(`rollout ${step}`)(size),
};

/** With a Gaussian for every patch. */
function encoded(ids: readonly Int32Array[], latentSize: number): EncodedSequence[] {
  return ids.map((row, i) => {
    const size = (row.length / 2) * latentSize;
    const latents = { mean: new RandomStream(i, 'mean').normals(size), logStd: new Float32Array(size) };
    return { ids: row, latents };
  });
}

type Measure = (counted: Engine, pause?: Pause) => Promise<unknown>;

const brier =
  (patchSize: number): Measure =>
  (counted, pause) =>
    estimateBrier(new PatchDecoder(counted, drawingModel(patchSize)), SEQUENCES[patchSize], draws, {
      numSamples: 4,
      pause,
    });

const SEQUENCES: Record<number, Int32Array[]> = { 1: sequences(1), 2: sequences(2), 4: sequences(4) };

const chosen =
  (sampler: 'exact' | 'batch'): Measure =>
  async (counted, pause) => {
    const decoder = new PatchDecoder(counted, drawingModel(2));
    const options = { temperature: 0.2, sampler, numCandidates: 64, drawBudget: 4000, pause };
    const choice = {
      noise: (size: number, block: number) => noise(`block ${block}`)(size),
      uniform: () => 0.5,
    };
    return measureTemperature(
      decoder,
      SEQUENCES[2].slice(0, 2),
      3,
      async (hidden) => (await choose(decoder, hidden, options, choice)).patches,
      { pause },
    );
  };

const energy =
  (of: 'model' | 'context-free' | 'held-out'): Measure =>
  async (counted, pause) => {
    const model = drawingModel(2);
    const { config } = model;
    const rows = encoded(SEQUENCES[2], config.latentSize);
    if (of === 'held-out')
      return new HeldOutLoss(counted, config, energyHead, rows, 1).measure(model.parameters, pause);
    const score = new EnergyScore(counted, config, rows, 1);
    if (of === 'model') return score.ofModel(new PatchDecoder(counted, model), pause);
    return score.ofContextFree(
      async (count, batch) => new RandomStream(batch, 'free').normals(count * config.latentSize),
      pause,
    );
  };

const MEASURES: Record<string, Measure> = {
  reconstruction: (counted, pause) => {
    const ids = Int32Array.from({ length: 2 * 3000 }, (_, i) => (i * 7) % VOCABULARY);
    return measureReconstruction(counted, drawingModel(2).autoencoder, ids, 1, { pause });
  },
  'BrierLM, K = 1': brier(1),
  'BrierLM, K = 2': brier(2),
  'BrierLM, K = 4': brier(4),
  'BrierLM of a Transformer from samples': (counted, pause) =>
    estimateBrier(transformer(counted), SEQUENCES[1], draws, { numSamples: 4, fromSamples: true, pause }),
  'BrierLM with exact collisions': (counted, pause) =>
    estimateBrierExactly(transformer(counted), SEQUENCES[1], (_, draw) => draw(0.3), {
      numSamples: 4,
      pause,
    }),
  'BrierLM with exact collisions, by batches': (counted, pause) =>
    scoreBrier(transformer(counted), SEQUENCES[1], 1, { pause }),
  'cross-entropy': (counted, pause) => measureCrossEntropy(transformer(counted), SEQUENCES[1], pause),
  'energy loss of the model': energy('model'),
  'energy loss without context': energy('context-free'),
  'training loss': energy('held-out'),
  'temperature, candidates': chosen('batch'),
  'temperature, exact': chosen('exact'),
};

/**
 * As many engine calls may lie between two pauses, however much is measured: a draw with its tokens, position
 * by position.
 */
const MOST_CALLS = 6;

/** An engine that tells of every call. */
function telling(onCall: () => void): Engine {
  return {
    ...engine,
    compile: (step, options) => {
      const run = engine.compile(step, options);
      return (inputs) => {
        onCall();
        return run(inputs);
      };
    },
  };
}

for (const [name, measure] of Object.entries(MEASURES)) {
  test.serial(
    `${name}: few engine calls between two pauses, none after an abort, the same numbers`,
    async (t) => {
      const calls: number[] = [0];
      const counted = telling(() => calls.push((calls.pop() as number) + 1));
      const paused = await measure(counted, async () => {
        calls.push(0);
      });
      t.deepEqual(paused, await measure(telling(() => {})));
      t.true(calls.length > 2, `${calls.length - 1} pauses`);
      t.true(Math.max(...calls) <= MOST_CALLS, `calls between pauses: ${calls}`);
      for (const share of [0.01, 0.5, 0.99]) {
        const last = Math.ceil(share * (calls.length - 1));
        let [pauses, after] = [0, 0];
        const stopped = measure(
          telling(() => {
            if (pauses >= last) after++;
          }),
          async () => {
            if (++pauses >= last) throw new Error('stopped');
          },
        );
        await t.throwsAsync(stopped, { message: 'stopped' });
        t.is(after, 0, `of ${calls.length - 1} pauses the ${last}th`);
      }
    },
  );
}

test('the bootstrap pauses between resamples', async (t) => {
  const rows = Array.from({ length: 20 }, (_, i) => ({ sums: [i, i / 2, i / 3, i / 4], numWindows: 40 }));
  const documents = rows.map((_, i) => i);
  let pauses = 0;
  const pause = async () => {
    pauses++;
  };
  const interval = await brierInterval(rows, documents, 'weighted', 1, { pause });
  t.deepEqual(interval, await brierInterval(rows, documents, 'weighted', 1));
  t.true(pauses >= 1000);
  const stop = async () => {
    throw new Error('stopped');
  };
  await t.throwsAsync(brierInterval(rows, documents, 'weighted', 1, { pause: stop }), { message: 'stopped' });
});
