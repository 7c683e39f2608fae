import test from 'ava';
import { disposeTree, floatTensor, intTensor, loadEngine, tf } from 'calm-lm/engine';
import { RandomStream } from 'calm-lm/random';

test.before(() => loadEngine('wasm'));

const draw = (...shape: number[]) =>
  floatTensor(new RandomStream(1, shape.join()).normals(shape.reduce((a, b) => a * b, 1)), shape);

/** Σ_k a[i, k] b[k, j] in double precision. */
function product(a: Float32Array, b: Float32Array, m: number, k: number, n: number): number[] {
  return Array.from({ length: m * n }, (_, at) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += a[Math.floor(at / n) * k + i] * b[i * n + (at % n)];
    return sum;
  });
}

// Serial: the tests of this file share one tensor memory and one of them counts it.
test.serial('fixed products: every transposition, single and in batches', async (t) => {
  for (const [batch, m, k, n] of [
    [1, 7, 5, 6],
    [3, 20, 16, 24],
    [4, 2, 3, 2],
  ]) {
    const [a, b] = [draw(batch, m, k), draw(batch, k, n)];
    const [aT, bT] = [tf.transpose(a, [0, 2, 1]), tf.transpose(b, [0, 2, 1])];
    const expected = Array.from({ length: batch }, (_, i) =>
      product(
        (a.dataSync() as Float32Array).slice(i * m * k, (i + 1) * m * k),
        (b.dataSync() as Float32Array).slice(i * k * n, (i + 1) * k * n),
        m,
        k,
        n,
      ),
    ).flat();
    for (const [x, y, transposeX, transposeY] of [
      [a, b, false, false],
      [aT, b, true, false],
      [a, bT, false, true],
      [aT, bT, true, true],
    ] as const) {
      const actual = await tf.matMul(x, y, transposeX, transposeY).data();
      expected.forEach((value, i) => {
        t.true(Math.abs(actual[i] - value) < 1e-4, `${batch} ${m} ${k} ${n} at ${i}`);
      });
    }
  }
});

test.serial('fixed sums, gathers, segment sums and one-hots', async (t) => {
  const x = draw(5, 3, 4);
  const values = await x.data();
  const sums = await tf.sum(x, [0, 1]).data();
  for (let c = 0; c < 4; c++)
    t.true(
      Math.abs(sums[c] - Array.from({ length: 15 }, (_, r) => values[r * 4 + c]).reduce((a, b) => a + b, 0)) <
        1e-5,
    );
  t.deepEqual(tf.sum(x, 0, true).shape, [1, 3, 4]);
  const rows = await tf.gather(draw(3, 2), intTensor(Int32Array.of(2, 0, 2)) as never).array();
  const table = (await draw(3, 2).array()) as number[][];
  t.deepEqual(rows as unknown as number[][], [table[2], table[0], table[2]]);
  const segments = await tf
    .unsortedSegmentSum(
      floatTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]),
      intTensor(Int32Array.of(1, 0, 1)) as never,
      3,
    )
    .data();
  t.deepEqual([...segments], [3, 4, 6, 8, 0, 0]);
  const whole = draw(2, 5, 3);
  for (const [axis, sizes] of [
    [0, [1, 1]],
    [1, [2, 0, 3]],
    [2, [1, 2]],
    [-1, [3]],
  ] as const) {
    const parts = tf.split(whole, [...sizes], axis);
    t.deepEqual(await tf.concat(parts, axis).data(), await whole.data());
    t.deepEqual(
      parts.map(({ shape }) => shape.at(axis)),
      [...sizes],
    );
  }
  t.deepEqual(
    [...(await tf.oneHot(intTensor(Int32Array.of(1, 0)) as never, 3, 1, 0, 'float32').data())],
    [0, 1, 0, 1, 0, 0],
  );
});

test.serial('a compiled step frees what lies between, over many steps', async (t) => {
  const engine = await loadEngine('wasm');
  const inputs = { x: draw(8, 8) };
  const step = engine.compile(({ x }: { x: tf.Tensor }) => ({
    y: tf.softmax(tf.matMul(x as tf.Tensor2D, tf.transpose(x) as tf.Tensor2D)),
  }));
  const before = engine.memory();
  for (let i = 0; i < 100; i++) disposeTree(await step(inputs));
  t.deepEqual(engine.memory(), before);
});

test.serial('an engine that is not there says what it needs', async (t) => {
  const unknown = (await t.throwsAsync(loadEngine('cuda' as never))) as { code?: string };
  t.is(unknown.code, 'CALM_ENGINE_UNKNOWN');
  const missing = (await t.throwsAsync(loadEngine('node-gpu'))) as { code?: string; hint?: string };
  t.is(missing.code, 'CALM_ENGINE_UNAVAILABLE');
  t.regex(missing.hint ?? '', /@tensorflow\/tfjs-node-gpu/);
});
