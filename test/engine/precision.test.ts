import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { engineVersion, loadEngine, tf } from 'calm-lm/engine';
import { fasterOf, rememberedRates } from '../../src/engine/precision.ts';

test.serial('an engine without rounded products says so; auto takes f32 there', async (t) => {
  const error = await t.throwsAsync(loadEngine('wasm', undefined, 'bf16'), { code: 'CALM_PRECISION' });
  t.regex((error as Error & { hint?: string }).hint ?? '', /calm engine install cpu/);
  const { precision, versions } = await loadEngine('wasm', undefined, 'auto');
  t.is(precision, 'f32');
  t.false('precision' in versions);
});

test('bf16 is taken where it is clearly faster', (t) => {
  t.is(fasterOf({ f32: 100, bf16: 180 }), 'bf16');
  t.is(fasterOf({ f32: 100, bf16: 105 }), 'f32');
  t.is(fasterOf({ f32: 100, bf16: 30 }), 'f32');
});

test.serial('rates are measured once for a machine and versions', async (t) => {
  const cache = mkdtempSync(join(tmpdir(), 'calm-test-'));
  const before = process.env.CALM_CACHE;
  process.env.CALM_CACHE = cache;
  t.teardown(() => {
    if (before === undefined) delete process.env.CALM_CACHE;
    else process.env.CALM_CACHE = before;
    rmSync(cache, { recursive: true });
  });
  let measured = 0;
  const measure = async () => ({ f32: 1, bf16: ++measured });
  t.deepEqual(await rememberedRates('a 1', measure), { f32: 1, bf16: 1 });
  t.deepEqual(await rememberedRates('a 1', measure), { f32: 1, bf16: 1 });
  t.deepEqual(await rememberedRates('a 2', measure), { f32: 1, bf16: 2 });
});

/** Rounded to the nearest number with 8 significant bits, to even where two are as near. */
function rounded(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer)[0];
  const up = bits + 0x7fff + ((bits >>> 16) & 1);
  return new Float32Array(Uint32Array.of((up >>> 16) << 16).buffer)[0];
}

// Runs where `calm engine install cpu` was run.
(engineVersion('node') ? test.serial : test.serial.skip)(
  'factors are rounded to bfloat16, products are summed in float32 and rounded once',
  async (t) => {
    const engine = await loadEngine('node', undefined, 'bf16');
    t.is(engine.precision, 'bf16');
    t.is(engine.versions.precision, 'bf16');
    const [a, b] = [
      tf.randomNormal([3, 700], 0, 1, 'float32', 1),
      tf.randomNormal([5, 700], 0, 1, 'float32', 2),
    ];
    const multiply = engine.compile(({ a, b }: { a: tf.Tensor; b: tf.Tensor }) => ({
      product: tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true),
      sum: tf.add(a, 1e-4),
    }));
    const { product, sum } = await multiply({ a, b });
    const [as, bs] = [await a.data(), await b.data()].map((values) => Array.from(values, rounded));
    const found = await product.data();
    for (let row = 0; row < 3; row++)
      for (let column = 0; column < 5; column++) {
        let exact = 0;
        let size = 0;
        for (let i = 0; i < 700; i++) {
          const term = as[row * 700 + i] * bs[column * 700 + i];
          exact += term;
          size += Math.abs(term);
        }
        // Half a unit in the last of 8 bits, and what float32 sums lose.
        const allowed = Math.abs(exact) * 2 ** -8 + size * 700 * 2 ** -24;
        t.true(Math.abs(found[row * 5 + column] - exact) <= allowed);
      }
    const sums = await sum.data();
    (await a.data()).forEach((value, i) => {
      t.is(sums[i], Math.fround(value + Math.fround(1e-4)), 'what is no product is float32');
    });
  },
);
