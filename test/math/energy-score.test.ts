import test from 'ava';
import { floatTensor, loadEngine, tf, valueAndGradients } from 'calm-lm/engine';
import { energyLoss } from 'calm-lm/math';
import { RandomStream } from 'calm-lm/random';

test.before(() => loadEngine('cpu'));

const draw = (label: string, shape: [number, number, number]) =>
  floatTensor(new RandomStream(1, label).normals(shape[0] * shape[1] * shape[2]), shape);

test('samples that coincide have gradient 0 among themselves, not NaN, for every exponent', async (t) => {
  for (const beta of [0.5, 1, 1.5]) {
    const one = draw('x', [2, 1, 3]);
    const samples = tf.tile(one, [1, 4, 1]);
    const targets = tf.tile(one, [1, 2, 1]);
    const { gradients } = valueAndGradients(() => ({ loss: tf.sum(energyLoss(samples, targets, beta)) }), {
      samples,
    });
    const slopes = [...(await gradients.samples.data())];
    // −0 is 0 too.
    t.true(slopes.length === 24 && slopes.every((slope) => slope === 0), String(slopes));
  }
});

test('the gradient is the slope', async (t) => {
  const targets = draw('y', [1, 5, 2]);
  const values = new RandomStream(2, 'x').normals(6);
  const lossAt = async (x: Float32Array) =>
    (await energyLoss(floatTensor(x, [1, 3, 2]), targets, 1.3).data())[0];
  const samples = floatTensor(values, [1, 3, 2]);
  const { gradients } = valueAndGradients(() => ({ loss: tf.sum(energyLoss(samples, targets, 1.3)) }), {
    samples,
  });
  const slope = await gradients.samples.data();
  for (let i = 0; i < 6; i++) {
    const moved = (by: number) => Float32Array.from(values, (value, j) => (j === i ? value + by : value));
    const difference = ((await lossAt(moved(1e-2))) - (await lossAt(moved(-1e-2)))) / 2e-2;
    t.true(Math.abs(difference - slope[i]) < 2e-3, `${i}: ${difference} and ${slope[i]}`);
  }
});

test('a proper score: samples from the targets’ own distribution lose least', async (t) => {
  const targets = draw('y', [200, 20, 2]);
  const loss = async (shift: number, scale: number) =>
    (await tf.mean(energyLoss(tf.add(tf.mul(draw('x', [200, 20, 2]), scale), shift), targets, 1)).data())[0];
  const own = await loss(0, 1);
  for (const [shift, scale] of [
    [0.5, 1],
    [0, 0.3],
    [0, 2],
  ])
    t.true((await loss(shift, scale)) > own + 0.02);
});
