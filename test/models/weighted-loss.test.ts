/** Losses in which some positions do not count: they are those of the others alone. */

import test from 'ava';
import {
  type Engine,
  floatTensor,
  intTensor,
  loadEngine,
  type Tensor,
  tf,
  valueAndGradients,
} from 'calm-lm/engine';
import { linearCrossEntropy } from 'calm-lm/math';
import { type AnyHead, diffusionHead, energyHead, flowHead, initParameters } from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { countedPositions } from '../../src/evaluation/batches.ts';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('cpu');
});

const [ALL, COUNTED, LATENT, HIDDEN] = [7, 4, 5, 8];
const HEADS: Readonly<Record<string, readonly [AnyHead, object]>> = {
  energy: [energyHead, { numMlpLayers: 1, noiseSize: 3, numSamples: 3, numTargetSamples: 4, beta: 1 }],
  diffusion: [diffusionHead, { numMlpLayers: 1, numSamples: 2 }],
  flow: [flowHead, { numMlpLayers: 1, numSamples: 2 }],
};
const random = (name: string, ...shape: number[]) =>
  floatTensor(new RandomStream(1, name).normals(shape.reduce((a, b) => a * b)), shape);

/** The first positions of a tensor, whichever of its axes they are. */
function firstOf(tensor: Tensor): Tensor {
  const size = tensor.shape.map((length) => (length === ALL ? COUNTED : length));
  return tf.slice(
    tensor,
    size.map(() => 0),
    size,
  );
}

function close(
  t: { true(value: boolean, message?: string): void },
  one: Tensor,
  other: Tensor,
  what: string,
) {
  const [a, b] = [one.dataSync(), other.dataSync()];
  t.true(
    a.every((value, i) => Math.abs(value - b[i]) <= 1e-6 + 1e-5 * Math.abs(b[i])),
    what,
  );
}

for (const [name, [head, options]] of Object.entries(HEADS))
  test(`${name}: positions without weight change neither loss nor gradients`, (t) => {
    t.is(engine.name, 'cpu');
    t.true(head.takesWeights);
    const config = { hiddenSize: HIDDEN, latentSize: LATENT, patchSize: 2, head: options };
    const parameters = initParameters(head.table(config), 3, 0.3);
    for (const [key, tensor] of Object.entries(parameters))
      parameters[key] = tf.add(tensor, tf.mul(random(key, ...tensor.shape), 0.1));
    const draws = head.drawTraining(config, ALL, (purpose) => new RandomStream(2, purpose));
    const hidden = random('hidden', ALL, HIDDEN);
    const targets = { mean: random('mean', ALL, LATENT), logStd: random('logStd', ALL, LATENT) };
    const weights = floatTensor(
      Float32Array.from({ length: ALL }, (_, i) => (i < COUNTED ? 1 / COUNTED : 0)),
      [ALL],
    );
    const weighed = valueAndGradients(
      () => head.loss(parameters, config, hidden, targets, draws, weights),
      parameters,
    );
    const first = Object.fromEntries(Object.entries(draws).map(([key, tensor]) => [key, firstOf(tensor)]));
    const alone = valueAndGradients(
      () =>
        head.loss(
          parameters,
          config,
          firstOf(hidden),
          { mean: firstOf(targets.mean), logStd: firstOf(targets.logStd) },
          first,
        ),
      parameters,
    );
    for (const [key, value] of Object.entries(alone.outputs)) close(t, weighed.outputs[key], value, key);
    for (const [key, value] of Object.entries(alone.gradients)) close(t, weighed.gradients[key], value, key);
    const rest = Object.values(alone.gradients).some((gradient) =>
      gradient.dataSync().some((value) => value !== 0),
    );
    t.true(rest);
  });

test('cross-entropy: tokens without weight change neither loss nor gradients', (t) => {
  const parameters = { x: random('x', ALL, HIDDEN), w: random('w', 11, HIDDEN) };
  const targets = intTensor(Int32Array.from([3, 1, 10, 3, 0, 5, 9]), [ALL]);
  const weights = floatTensor(Float32Array.from([0.25, 0.25, 0.25, 0.25, 0, 0, 0]), [ALL]);
  const weighed = valueAndGradients(
    () => ({ loss: linearCrossEntropy(parameters.x, parameters.w, targets, weights) }),
    parameters,
  );
  const alone = valueAndGradients(
    () => ({ loss: linearCrossEntropy(firstOf(parameters.x), parameters.w, firstOf(targets)) }),
    parameters,
  );
  close(t, weighed.outputs.loss, alone.outputs.loss, 'loss');
  for (const key of ['x', 'w'] as const) close(t, weighed.gradients[key], alone.gradients[key], key);
});

test('positions that count come in eighths of all, and their weights add up to 1', (t) => {
  const counted = Array.from({ length: 16 }, (_, i) => i % 3 === 1);
  const { positions, weights } = countedPositions(counted);
  t.deepEqual([...positions], [1, 4, 7, 10, 13, 0]);
  t.deepEqual([...weights], [...new Float32Array([0.2, 0.2, 0.2, 0.2, 0.2, 0])]);
  t.is(countedPositions(counted.map(() => true)).positions.length, 16);
  t.deepEqual([...countedPositions(counted.map(() => false)).weights], [0, 0]);
});
