import test from 'ava';
import { type Engine, floatTensor, intTensor, loadEngine, readIntegers, tf } from 'calm-lm/engine';
import { estimateBrier, type RolloutDraw } from 'calm-lm/evaluation';
import {
  type CalmConfig,
  type ChosenHead,
  decodeTokens,
  type EnergyOptions,
  hiddenStates,
  type LanguageModel,
  PatchDecoder,
  sampleEnergyHead,
} from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { drawingModel, NOISE, VOCABULARY } from '../helpers/drawing-model.ts';

const [ROWS, PATCHES] = [2, 24];

const noiseAt =
  (...labels: (string | number)[]) =>
  (size: number) =>
    new RandomStream(9, ...labels).uniforms(size, -0.5);

/** Two patches drawn after a prefix, by one pass over the whole of it: no cache, no batching. */
async function drawAfter(
  { config, parameters, autoencoder }: LanguageModel,
  prefix: number[],
  noise: [Float32Array, Float32Array],
): Promise<[number[], number[]]> {
  const hidden = hiddenStates(parameters, config, intTensor(Int32Array.from(prefix), [1, prefix.length]));
  const last = tf.slice(hidden, [prefix.length / config.patchSize - 1, 0], [1, config.hiddenSize]);
  const tokens = noise.map(async (values) => [
    ...(await readIntegers(
      decodeTokens(
        autoencoder.parameters,
        autoencoder.config,
        tf.reshape(
          sampleEnergyHead(
            parameters,
            config as CalmConfig<ChosenHead & EnergyOptions>,
            last,
            floatTensor(values, [1, 1, NOISE]),
          ),
          [1, -1],
        ),
      ),
    )),
  ]);
  return [await tokens[0], await tokens[1]];
}

for (const name of ['wasm', 'onnx'] as const) {
  for (const patchSize of [1, 2, 3]) {
    test.serial(`K = ${patchSize}: rollouts with a cache are those without one (${name})`, async (t) => {
      const engine: Engine = await loadEngine(name);
      const model = drawingModel(patchSize);
      const stream = new RandomStream(4, 'ids');
      const sequences = Array.from({ length: ROWS }, () =>
        Int32Array.from({ length: (PATCHES + 1) * patchSize }, () => stream.nextInteger(VOCABULARY)),
      );
      const rolled = (window: number, step: number) => noiseAt('rollout', window, step)(2 * ROWS * NOISE);
      const draws = {
        accuracy: noiseAt('accuracy'),
        rollout: (wanted: readonly RolloutDraw[], step: number, size: number) => {
          const noise = new Float32Array(size);
          wanted.forEach(({ row, window, sample }, i) => {
            noise.set(
              rolled(window, step - 1).subarray(
                (sample * ROWS + row) * NOISE,
                (sample * ROWS + row + 1) * NOISE,
              ),
              i * NOISE,
            );
          });
          return noise;
        },
      };
      const { brier, numWindows } = await estimateBrier(new PatchDecoder(engine, model), sequences, draws);
      const steps = Math.ceil(4 / patchSize);
      const windows = PATCHES - steps;
      t.is(numWindows, ROWS * windows);

      const teacher = draws.accuracy(2 * ROWS * PATCHES * NOISE);
      const noiseOf = (all: Float32Array, sample: number, row: number, rowSize: number, at: number) =>
        all.slice(
          ((sample * ROWS + row) * rowSize + at) * NOISE,
          ((sample * ROWS + row) * rowSize + at + 1) * NOISE,
        );
      const sums = [0, 0, 0, 0];
      let longest = 0;
      for (let row = 0; row < ROWS; row++) {
        const forced: [number[], number[]] = [[], []];
        for (let patch = 0; patch < PATCHES; patch++) {
          const prefix = [...sequences[row].subarray(0, (patch + 1) * patchSize)];
          const drawn = await drawAfter(model, prefix, [
            noiseOf(teacher, 0, row, PATCHES, patch),
            noiseOf(teacher, 1, row, PATCHES, patch),
          ]);
          for (const sample of [0, 1]) forced[sample].push(...drawn[sample]);
        }
        for (let window = 0; window < windows; window++) {
          const at = window * patchSize;
          const paths = [forced[0].slice(at, at + patchSize), forced[1].slice(at, at + patchSize)];
          for (let step = 1; step < steps; step++) {
            const noise = rolled(window, step - 1);
            const prefix = [...sequences[row].subarray(0, at + patchSize), ...paths[0]];
            const drawn = await drawAfter(model, prefix, [
              noiseOf(noise, 0, row, 1, 0),
              noiseOf(noise, 1, row, 1, 0),
            ]);
            for (const sample of [0, 1]) paths[sample].push(...drawn[sample]);
          }
          const target = [...sequences[row].subarray(at + patchSize, at + patchSize + 4)];
          const agree = (a: number[], b: number[], n: number) =>
            a.slice(0, n).every((token, i) => token === b[i]);
          for (let n = 1; n <= 4; n++) {
            sums[n - 1] +=
              Number(agree(forced[0].slice(at), target, n)) +
              Number(agree(forced[1].slice(at), target, n)) -
              Number(agree(paths[0], paths[1], n));
            if (agree(paths[0], paths[1], n)) longest = Math.max(longest, n);
          }
        }
      }
      t.is(longest, 4, 'some paths stay together to the end, or the test shows nothing');
      brier.forEach((value, n) => {
        t.true(
          Math.abs(value - sums[n] / numWindows) < 1e-9,
          `Brier-${n + 1}: ${value} and ${sums[n] / numWindows}`,
        );
      });
    });
  }
}
