/** Checks of the diffusion and flow heads, alone and in a whole training step. R rows · L latent. */

import { type Engine, floatTensor, type Tensor, type TensorMap, tf } from 'calm-lm/engine';
import { cosineBetas, type DiffusionSchedule, scheduleOf } from 'calm-lm/math';
import {
  type AnyHead,
  type CalmConfig,
  calmLoss,
  type DiffusionOptions,
  diffusionHead,
  diffusionTerms,
  flowErrors,
  flowHead,
  hiddenStates,
  middleOf,
  networkTime,
  runAdaLn,
  samplingSchedule,
  stepBack,
  stepNumbers,
  timeFeatures,
} from 'calm-lm/models';
import { type GoldenCase, NOISE_FLOOR } from './case.ts';
import { compiledGradients, trainingStepOf } from './common.ts';
import { pythonFloat } from './names.ts';

const { heads: FLOOR, headGradients: GRADIENT_FLOOR } = NOISE_FLOOR;

/** How the reference samples from its diffusion head. */
const SAMPLING = { steps: 100, noiseTemperature: 1 };

/** The head's weights, as the case has them; flow has the same options. */
function headParameters(golden: GoldenCase, head: AnyHead) {
  const config = golden.calmConfig<DiffusionOptions>();
  return { config, parameters: golden.parameters(head.table(config)) };
}

/** [rows, …] → [1, rows, …]: one sample a position. */
const oneSample = (x: Tensor) => tf.expandDims(x, 0);

const row = (data: ArrayLike<number>, index: number, size: number) =>
  Float32Array.from({ length: size }, (_, i) => data[index * size + i]);

// — diffusion —

export async function checkDiffusionHead(golden: GoldenCase, engine: Engine): Promise<void> {
  const { config, parameters } = headParameters(golden, diffusionHead);
  await checkSchedule(golden, 'sched.train', scheduleOf(cosineBetas(1000)));
  await checkSchedule(golden, 'sched.gen', samplingSchedule(SAMPLING.steps));
  const [start, time, noise] = [
    golden.floats('in.target'),
    golden.integers('rng.t'),
    golden.floats('rng.noise'),
  ].map(oneSample);
  await golden.check('train.timestep_freq', timeFeatures(golden.floats('rng.t')), FLOOR);
  const inputs = { parameters: { ...parameters, z: golden.floats('in.z') }, start, time, noise };
  const { outputs, gradients } = await compiledGradients(engine, inputs, (given) => {
    const { mse, bound } = diffusionTerms(
      given.parameters,
      config,
      given.parameters.z,
      given.start,
      given.time,
      given.noise,
    );
    return { loss: tf.mean(tf.add(mse, bound)), mse, bound };
  });
  await golden.check('train.loss', outputs.loss, FLOOR);
  await golden.check('train.mse', outputs.mse, FLOOR);
  await golden.check('train.vb', outputs.bound, FLOOR);
  await golden.check('train.loss_rows', tf.add(outputs.mse, outputs.bound), FLOOR);
  const x = oneSample(
    tf.tensor(golden.expected('train.x_t').data, golden.expected('train.x_t').shape as number[]),
  );
  await golden.check(
    'train.net_out',
    runAdaLn(parameters, config, x, tf.cast(time, 'float32'), golden.floats('in.z')),
    FLOOR,
  );
  const { z, ...own } = gradients;
  await golden.check('train.grad_z', z, GRADIENT_FLOOR);
  await golden.checkGradients(own, GRADIENT_FLOOR);
  await checkSamplingSteps(golden, config, parameters);
  await checkSamplingLoops(golden, engine, config, parameters);
}

/** The reference keeps what it calls with float64 and rounds at the end, as we do. */
async function checkSchedule(golden: GoldenCase, name: string, schedule: DiffusionSchedule): Promise<void> {
  const rounded = (numbers: readonly number[]) => Float32Array.from(numbers);
  await golden.check(`${name}.betas`, rounded(schedule.betas));
  await golden.check(`${name}.alphas_cumprod`, rounded(schedule.alphasCumprod));
  await golden.check(`${name}.sqrt_recip_alphas_cumprod`, rounded(schedule.recipSignal));
  await golden.check(`${name}.sqrt_recipm1_alphas_cumprod`, rounded(schedule.recipNoise));
  await golden.check(`${name}.posterior_mean_coef1`, rounded(schedule.coefX0));
  await golden.check(`${name}.posterior_mean_coef2`, rounded(schedule.coefXt));
  await golden.check(`${name}.posterior_log_variance_clipped`, rounded(schedule.minLogVariance));
  golden.checkEqual(`${name}.timestep_map`, schedule.timesteps, golden.expected(`${name}.timestep_map`).data);
}

/** x + √variance · noise · temperature; the last step adds nothing. */
function sampleOf(
  { mean, logVariance }: { mean: Tensor; logVariance: Tensor },
  noise: Tensor,
  index: number,
  temperature: number,
): Tensor {
  return tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), tf.mul(noise, index === 0 ? 0 : temperature)));
}

interface DiffusionMeta {
  readonly p_steps: number[];
  readonly temperatures: number[];
}

async function checkSamplingSteps(
  golden: GoldenCase,
  config: CalmConfig<DiffusionOptions>,
  parameters: TensorMap,
): Promise<void> {
  const { p_steps: steps, temperatures } = golden.json<DiffusionMeta>('meta.json');
  for (const index of steps) {
    const reverse = stepBack(
      parameters,
      config,
      oneSample(golden.floats('in.p_x')),
      stepNumbers(samplingSchedule(SAMPLING.steps), index),
      golden.floats('in.z'),
    );
    await golden.check(`p${index}.mean`, reverse.mean, FLOOR);
    await golden.check(`p${index}.log_variance`, reverse.logVariance, FLOOR);
    await golden.check(`p${index}.pred_xstart`, reverse.start, FLOOR);
    for (const temperature of temperatures)
      await golden.check(
        `p${index}.T${pythonFloat(temperature)}.sample`,
        sampleOf(reverse, golden.floats(`rng.p${index}.noise`), index, temperature),
        FLOOR,
      );
  }
}

/**
 * From noise down to the sample, step by step and by the head's own sampler; and the second half alone, at
 * the scale of latents.
 */
async function checkSamplingLoops(
  golden: GoldenCase,
  engine: Engine,
  config: CalmConfig<DiffusionOptions>,
  parameters: TensorMap,
): Promise<void> {
  const start = golden.input('rng.loop.x_T');
  const rows = start.shape[0];
  const z = tf.slice(golden.floats('in.z'), [0, 0], [rows, config.hiddenSize]);
  const walk = async (from: Tensor, noise: ArrayLike<number>, temperature: number, steps: number) => {
    const size = rows * config.latentSize;
    const path: number[] = [];
    let x = oneSample(from);
    for (let j = 0; j < steps; j++) {
      const index = steps - 1 - j;
      const added = floatTensor(row(noise, j, size), [1, rows, config.latentSize]);
      x = sampleOf(
        stepBack(parameters, config, x, stepNumbers(samplingSchedule(SAMPLING.steps), index), z),
        added,
        index,
        temperature,
      );
      path.push(...(await x.data()));
    }
    return Float32Array.from(path);
  };
  for (const temperature of golden.json<DiffusionMeta>('meta.json').temperatures) {
    const name = `T${pythonFloat(temperature)}`;
    const { data, shape } = golden.input('rng.loop.noise');
    await golden.check(
      `loop.${name}.trajectory`,
      await walk(golden.floats('rng.loop.x_T'), data, temperature, shape[0]),
      FLOOR,
    );
    const flat = Float32Array.of(...start.data, ...data.subarray(0, data.length - start.data.length));
    await golden.check(
      `loop.${name}.final`,
      await diffusionHead.sampler(engine, config, {
        ...SAMPLING,
        noiseTemperature: temperature,
      })(parameters, z, flat),
      FLOOR,
    );
    const half = golden.input('rng.half.noise');
    const from = tf.slice(golden.floats('in.p_x'), [0, 0], [rows, config.latentSize]);
    await golden.check(
      `half.${name}.trajectory`,
      await walk(from, half.data, temperature, half.shape[0]),
      FLOOR,
    );
  }
}

export async function checkDiffusionStep(golden: GoldenCase, engine: Engine): Promise<void> {
  await checkWholeStep(golden, engine, diffusionHead, (n, positions, latentSize) => ({
    targetNoise: golden.floats('rng.target_eps'),
    time: tf.reshape(golden.integers('rng.t'), [n, positions]),
    noise: tf.reshape(golden.floats('rng.noise'), [n, positions, latentSize]),
  }));
}

async function checkWholeStep(
  golden: GoldenCase,
  engine: Engine,
  head: AnyHead,
  drawsOf: (n: number, positions: number, latentSize: number) => TensorMap,
): Promise<void> {
  const { config, parameters, batch } = await trainingStepOf(golden, head);
  const [n, positions] = golden.input('rng.target_eps').shape;
  const inputs = { parameters, batch, draws: drawsOf(n, positions, config.latentSize) };
  const { outputs, gradients } = await compiledGradients(engine, inputs, (given) =>
    calmLoss(given.parameters, config, head, given.batch, given.draws),
  );
  await golden.check('loss', outputs.loss, FLOOR);
  await golden.checkGradients(gradients, GRADIENT_FLOOR);
  const hidden = hiddenStates(parameters, config, batch.ids);
  await golden.check('final_norm', hidden);
  await golden.check('selected_hidden', tf.gather(hidden, batch.positions as tf.Tensor1D));
}

// — flow —

/** Recorded uniform times as the head's draws. */
function flowDraws(golden: GoldenCase, shape: [number, number], latentSize: number): TensorMap {
  const times = golden.input('rng.t_u').data;
  return {
    start: tf.reshape(golden.floats('rng.x0'), [...shape, latentSize]),
    time: floatTensor(Float32Array.from(times), shape),
    networkTime: floatTensor(Float32Array.from(times, networkTime), shape),
  };
}

export async function checkFlowHead(golden: GoldenCase, engine: Engine): Promise<void> {
  const { config, parameters } = headParameters(golden, flowHead);
  const rows = golden.input('in.z').shape[0];
  const draws = flowDraws(golden, [1, rows], config.latentSize);
  golden.checkEqual('train.t_long', await draws.networkTime.data(), golden.expected('train.t_long').data);
  const inputs = {
    parameters: { ...parameters, z: golden.floats('in.z') },
    target: oneSample(golden.floats('in.target')),
    draws,
  };
  const { outputs, gradients } = await compiledGradients(engine, inputs, (given) => {
    const errors = flowErrors(given.parameters, config, given.parameters.z, given.target, given.draws);
    return { loss: tf.mean(errors), errors };
  });
  await golden.check('train.loss', outputs.loss, FLOOR);
  await golden.check('train.loss_rows', outputs.errors, FLOOR);
  const { z, ...own } = gradients;
  await golden.check('train.grad_z', z, GRADIENT_FLOOR);
  await golden.checkGradients(own, GRADIENT_FLOOR);
  const steps = golden.expected('sample.t_long').data.length / 2;
  const times = Array.from({ length: steps }, (_, i) => [
    networkTime(i / steps),
    networkTime(middleOf(i, steps)),
  ]).flat();
  golden.checkEqual('sample.t_long', times, golden.expected('sample.t_long').data);
  await checkVelocities(golden, config, parameters, times);
  const noise = Float32Array.from(golden.input('rng.sample_x0').data);
  await golden.check(
    'sample.final',
    await flowHead.sampler(engine, config, { steps, method: 'midpoint', noiseTemperature: 1 })(
      parameters,
      golden.floats('in.z'),
      noise,
    ),
    FLOOR,
  );
}

/** The network at each of the points that the reference's sampler went through. */
async function checkVelocities(
  golden: GoldenCase,
  config: CalmConfig<DiffusionOptions>,
  parameters: TensorMap,
  times: readonly number[],
): Promise<void> {
  const { data, shape } = golden.expected('sample.net_x');
  const size = shape[1] * shape[2];
  const found: number[] = [];
  for (const [i, time] of times.entries()) {
    const x = floatTensor(row(data, i, size), [1, shape[1], shape[2]]);
    found.push(
      ...(await runAdaLn(
        parameters,
        config,
        x,
        floatTensor(Float32Array.of(time), [1, 1]),
        golden.floats('in.z'),
      ).data()),
    );
  }
  await golden.check('sample.net_v', Float32Array.from(found), FLOOR);
}

export async function checkFlowStep(golden: GoldenCase, engine: Engine): Promise<void> {
  await checkWholeStep(golden, engine, flowHead, (n, positions, latentSize) => ({
    targetNoise: golden.floats('rng.target_eps'),
    ...flowDraws(golden, [n, positions], latentSize),
  }));
}
