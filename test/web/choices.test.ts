/** What the page makes of draws: choices at a temperature, and the plane of vectors. */

import test from 'ava';
import type { PatchDraws } from '../../src/models/index.ts';
import { RandomStream } from '../../src/random.ts';
import { choosePatches, powerOf } from '../../src/sampling/index.ts';
import type { Draws } from '../../src/web/model/protocol.ts';
import { principalPlane } from '../../src/web/parts/principal-plane.ts';
import { choiceAt } from '../../src/web/playground/chances.ts';

/** Draws of a few patches, as the worker tells them and as sampling has them. */
function drawn(seed: number, uniform: number, numDraws = 60) {
  const stream = new RandomStream(seed, 'draws');
  const kinds = Array.from({ length: numDraws }, () => Math.floor(stream.nextUniform() ** 3 * 12));
  const order = [...new Set(kinds)];
  const draws: Draws = {
    patches: order.map((kind) => ({
      ids: [kind, 7],
      text: `patch ${kind}`,
      count: kinds.filter((other) => other === kind).length,
    })),
    numDraws,
    uniform,
    patchOfDraw: Int32Array.from(kinds, (kind) => order.indexOf(kind)),
    latents: new Float32Array(numDraws),
  };
  const tokens = Int32Array.from(kinds.flatMap((kind) => [kind, 7]));
  const pool: PatchDraws = {
    tokens,
    numPatches: numDraws,
    decode: async () => {},
    decodeAll: async () => tokens,
    dispose: () => {},
  };
  return { draws, pool };
}

test('the choice is that of the batch approximation, at every temperature', async (t) => {
  for (let seed = 0; seed < 20; seed++)
    for (const temperature of [0.9, 0.7, 0.5, 0.34, 0.25, 0.1]) {
      const uniform = new RandomStream(seed, 'uniform').nextUniform();
      const { draws, pool } = drawn(seed, uniform);
      const [patch] = await choosePatches(pool, 1, powerOf(temperature), () => uniform);
      const { chosen, chances } = choiceAt(draws, temperature);
      t.deepEqual(draws.patches[chosen].ids, [...patch], `seed ${seed}, T ${temperature}`);
      t.true(Math.abs(chances.reduce((sum, { chance }) => sum + chance, 0) - 1) < 1e-9);
    }
});

test('at T = 1 the first draw is taken, and chances are the shares of the draws', (t) => {
  const { draws } = drawn(1, 0.99);
  const { chosen, chances } = choiceAt(draws, 1);
  t.is(chosen, draws.patchOfDraw[0]);
  for (const { chance, count } of chances) t.true(Math.abs(chance - count / draws.numDraws) < 1e-9);
});

test('draws that do not agree often enough are said to reach less', (t) => {
  const { draws } = drawn(3, 0.5, 12);
  t.is(choiceAt(draws, 1).reached, undefined);
  t.true((choiceAt(draws, 0.05).reached as number) < 20);
});

test('the plane shows the two directions in which vectors differ most', (t) => {
  const stream = new RandomStream(5);
  const [count, size] = [200, 6];
  const vectors = new Float32Array(count * size);
  const hidden = Array.from({ length: count }, () => [3 * stream.nextUniform(), stream.nextUniform()]);
  hidden.forEach(([a, b], i) => {
    vectors.set([a, a, 0, b, -b, 5], i * size);
  });
  const { points, share } = principalPlane(vectors, size);
  t.true(share > 0.999);
  // Distances in the plane are those of the vectors.
  for (const [i, j] of [
    [0, 1],
    [7, 90],
    [33, 150],
  ]) {
    const far = Math.hypot(
      ...Array.from({ length: size }, (_, k) => vectors[i * size + k] - vectors[j * size + k]),
    );
    const shown = Math.hypot(points[2 * i] - points[2 * j], points[2 * i + 1] - points[2 * j + 1]);
    t.true(Math.abs(far - shown) < 1e-3 * far, `${far} against ${shown}`);
  }
});

test('vectors that are all equal have a plane too', (t) => {
  const { points, share } = principalPlane(new Float32Array(40).fill(2), 4);
  t.deepEqual([...points], new Array(20).fill(0));
  t.is(share, 1);
});
