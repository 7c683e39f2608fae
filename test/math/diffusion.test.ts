import test from 'ava';
import { loadEngine, tf } from 'calm-lm/engine';
import { binnedLogLikelihood, cosineBetas, normalKl, respace, scheduleOf } from 'calm-lm/math';

test('a respaced process keeps the noise levels of the steps that it keeps', (t) => {
  const full = scheduleOf(cosineBetas(1000));
  const short = respace(full.betas, 10);
  t.deepEqual(short.timesteps, [0, 111, 222, 333, 444, 555, 666, 777, 888, 999]);
  short.alphasCumprod.forEach((value, i) => {
    t.true(Math.abs(value - full.alphasCumprod[short.timesteps[i]]) < 1e-12);
  });
});

test('noise is added and taken away: x₀ comes back, and variances add up to 1', (t) => {
  const { signalRate, noiseRate, recipSignal, recipNoise } = scheduleOf(cosineBetas(1000));
  for (const step of [0, 1, 500, 990]) {
    t.true(Math.abs(signalRate[step] ** 2 + noiseRate[step] ** 2 - 1) < 1e-12);
    const x = signalRate[step] * 0.7 + noiseRate[step] * -1.3;
    t.true(Math.abs(recipSignal[step] * x - recipNoise[step] * -1.3 - 0.7) < 1e-9);
  }
});

test('divergences and likelihoods of Gaussians', async (t) => {
  await loadEngine('cpu');
  const number = async (tensor: tf.Tensor) => (await tensor.data())[0];
  t.is(await number(normalKl(tf.scalar(1), tf.scalar(0.3), tf.scalar(1), tf.scalar(0.3))), 0);
  // KL(N(0, 1) ‖ N(1, 1)) = ½.
  t.true(
    Math.abs((await number(normalKl(tf.scalar(0), tf.scalar(0), tf.scalar(1), tf.scalar(0)))) - 0.5) < 1e-6,
  );
  // A bin of width 2/255 around the mean of N(0, 1): about density times width.
  const middle = await number(binnedLogLikelihood(tf.scalar(0), tf.scalar(0), tf.scalar(0)));
  t.true(Math.abs(middle - Math.log(2 / 255 / Math.sqrt(2 * Math.PI))) < 1e-3);
});
