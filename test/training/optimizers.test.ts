import { join } from 'node:path';
import test from 'ava';
import { CheckpointStore } from 'calm-lm/artifacts';
import {
  disposeTree,
  type Engine,
  floatTensor,
  loadEngine,
  type Tensor,
  type TensorMap,
  tf,
} from 'calm-lm/engine';
import {
  ADAMW_DEFAULTS,
  adamW,
  chain,
  decayWeights,
  descend,
  loadOptimizer,
  momentum,
  muonOptions,
  type Optimizer,
  type OptimizerState,
  optimizerNames,
  registerOptimizer,
  type TrainerOptions,
  type TrainerState,
  train,
} from 'calm-lm/training';
import { z } from 'zod';
import { temporaryFolder } from '../helpers/temporary.ts';

const engines: Record<string, Engine> = {};
test.before(async () => {
  engines.cpu = await loadEngine('cpu');
});

type Batch = { readonly x: Tensor };
type Options = Partial<TrainerOptions<Batch>> & { readonly valueAt?: (number: number) => number };
const FIRST = { w: [3, -1], b: [2] };

/** Steps of L = mean((w·x + b)²) with x of the step; no schedule, no clipping. */
async function trained(
  folder: string,
  optimizer: Optimizer,
  { valueAt = (step) => step + 1, ...others }: Options = {},
) {
  const { parameters } = await train<Batch>({
    stage: 'fit',
    engine: engines.cpu,
    parameters: {
      w: floatTensor(Float32Array.from(FIRST.w), [1, 2]),
      b: floatTensor(Float32Array.from(FIRST.b), [1]),
    },
    optimizer,
    maxGradNorm: 1e30,
    schedule: { schedule: 'constant', learningRate: 0.01, warmupSteps: 0, steps: 4 },
    accumulationSteps: 1,
    tokensPerStep: 1,
    logEvery: 1,
    checkpointEvery: 1,
    checkpointMinutes: 0,
    evaluateEvery: 100,
    onBadStep: 'skip',
    spikeDeviations: 0,
    checkpoints: storeIn(folder),
    report: { progress() {}, note() {}, warn() {}, rewind() {}, metrics() {}, event() {} },
    signal: new AbortController().signal,
    loss: ({ w, b }: TensorMap, { x }: Batch) => ({ loss: tf.mean(tf.square(tf.add(tf.mul(w, x), b))) }),
    batch: (number) => ({ x: floatTensor(Float32Array.of(valueAt(number)), [1]) }),
    ...others,
  });
  const values = { w: [...(await parameters.w.data())], b: [...(await parameters.b.data())] };
  disposeTree(parameters);
  return values;
}

const storeIn = (folder: string) => new CheckpointStore<TrainerState>(join(folder, 'checkpoints'), 100);

/** The same in plain numbers: SGD with momentum and weight decay of the matrix. */
function expected(decay: number, weightDecay: number, xs: readonly number[]) {
  let [w, b] = [[...FIRST.w], FIRST.b[0]];
  let [traceW, traceB] = [[0, 0], 0];
  for (const x of xs) {
    const errors = w.map((weight) => weight * x + b);
    traceW = traceW.map((trace, i) => decay * trace + errors[i] * x + weightDecay * w[i]);
    traceB = decay * traceB + errors[0] + errors[1];
    w = w.map((weight, i) => weight - 0.01 * traceW[i]);
    b -= 0.01 * traceB;
  }
  return [...w, b];
}

const sgd = () => chain({ decay: decayWeights(0.1), momentum: momentum(0.9), rate: descend() });

test.serial('a chain of parts does what its formula says, and saves its state under its names', async (t) => {
  const folder = temporaryFolder(t);
  const { w, b } = await trained(folder, sgd());
  const wanted = expected(0.9, 0.1, [1, 2, 3, 4]);
  [...w, ...b].forEach((value, i) => {
    t.true(Math.abs(value - wanted[i]) < 1e-5, `${value} and ${wanted[i]}`);
  });
  const { tensors } = await storeIn(folder).at(4);
  t.deepEqual([...tensors.keys()].sort(), ['b', 'momentum.trace.b', 'momentum.trace.w', 'w']);
});

test.serial('AdamW saves its moments under the names of torch', async (t) => {
  const folder = temporaryFolder(t);
  await trained(folder, adamW(ADAMW_DEFAULTS));
  const { tensors } = await storeIn(folder).at(4);
  t.deepEqual([...tensors.keys()].sort(), [
    'b',
    'exp_avg.b',
    'exp_avg.w',
    'exp_avg_sq.b',
    'exp_avg_sq.w',
    'w',
  ]);
});

test.serial('a bad step changes nothing of any optimiser, neither parameters nor state', async (t) => {
  for (const accumulationSteps of [1, 2]) {
    const folder = temporaryFolder(t);
    const valueAt = (number: number) => (Math.floor(number / accumulationSteps) === 2 ? Number.NaN : 1);
    await trained(folder, sgd(), { valueAt, accumulationSteps });
    const [before, after, next] = [
      await storeIn(folder).at(2),
      await storeIn(folder).at(3),
      await storeIn(folder).at(4),
    ];
    for (const name of before.tensors.keys()) {
      const data = before.tensors.get(name)?.data;
      t.deepEqual(after.tensors.get(name)?.data, data, name);
      t.notDeepEqual(next.tensors.get(name)?.data, data, name);
      t.true([...(next.tensors.get(name)?.data ?? [])].every((value) => Number.isFinite(Number(value))));
    }
  }
});

test.serial(
  'numbers of the step and a state of several levels come to an optimiser, also after a resume',
  async (t) => {
    const steps: number[] = [];
    const counting: Optimizer = {
      init: ({ b }) => ({ seen: { count: tf.zerosLike(b), last: { step: tf.zerosLike(b) } } }),
      scalars: (step) => {
        steps.push(step);
        return { step };
      },
      update: ({ parameters, state, scalars }) => {
        const { count } = state.seen as { count: Tensor };
        const last = { step: tf.add(tf.mul(count, 0), scalars.step) };
        return { parameters: clones(parameters), state: { seen: { count: tf.add(count, 1), last } } };
      },
    };
    const folder = temporaryFolder(t);
    const schedule = { schedule: 'constant', learningRate: 1, warmupSteps: 0 } as const;
    await trained(folder, counting, { schedule: { ...schedule, steps: 3 } });
    await trained(folder, counting, { schedule: { ...schedule, steps: 5 } });
    const { tensors } = await storeIn(folder).at(5);
    t.deepEqual([...(tensors.get('seen.count')?.data ?? [])], [5]);
    t.deepEqual([...(tensors.get('seen.last.step')?.data ?? [])], [5]);
    t.deepEqual(steps, [1, 2, 3, 4, 5]);
  },
);

test.serial('Muon that is stopped and resumed ends with the same bits', async (t) => {
  const optimizer = () =>
    loadOptimizer({ name: 'muon', ...muonOptions.parse({ smallestSide: 1, every: 2 }) });
  const schedule = { schedule: 'cosine', learningRate: 0.05, warmupSteps: 1, steps: 6 } as const;
  const whole = await trained(temporaryFolder(t), await optimizer(), { schedule });
  const folder = temporaryFolder(t);
  const stop = new AbortController();
  const stopping = (number: number) => {
    if (number === 3) stop.abort();
    return number + 1;
  };
  const stopped = trained(folder, await optimizer(), { schedule, valueAt: stopping, signal: stop.signal });
  t.regex(await codeAndMessage(stopped), /^CALM_INTERRUPTED/);
  const { tensors, step } = (await storeIn(folder).latest()) ?? t.fail();
  t.true(step > 0 && step < 6, String(step));
  t.true(tensors.has('momentum.w'));
  t.deepEqual(await trained(folder, await optimizer(), { schedule }), whole);
});

const clones = (parameters: TensorMap) =>
  Object.fromEntries(Object.entries(parameters).map(([name, tensor]) => [name, tf.clone(tensor)]));
const codeAndMessage = async (result: Promise<unknown>) =>
  result.then(
    () => 'no error',
    ({ code, message }) => `${code}: ${message}`,
  );

const still: Optimizer = {
  init: (parameters) => ({ copy: clones(parameters) }),
  update: ({ parameters, state }) => ({
    parameters: clones(parameters),
    state: { copy: clones(state.copy as TensorMap) },
  }),
};
const invalid: [string, Partial<Optimizer>, RegExp][] = [
  ['another type', { init: () => ({ count: tf.scalar(0, 'int32') }) }, /count of its state is int32/],
  ['a parameter itself', { init: ({ w }) => ({ w2: w }) }, /w2 of its state is another tensor itself/],
  ['the name of a parameter', { init: ({ w }) => ({ w: tf.zerosLike(w) }) }, /w of its state has the name/],
  ['a lost parameter', { update: ({ state }) => ({ parameters: {}, state }) }, /returns no parameters\.w/],
  ['a lost state', { update: ({ parameters }) => ({ parameters, state: {} }) }, /returns no state\.copy\.w/],
  [
    'more state than before',
    { update: ({ parameters, state }) => ({ parameters, state: { ...state, more: tf.scalar(1) } }) },
    /returns state\.more, which was not there before/,
  ],
  [
    'another shape',
    {
      update: ({ parameters, state }) => ({
        parameters: { ...parameters, b: tf.zeros([2]) },
        state: state as OptimizerState,
      }),
    },
    /returns parameters\.b of shape .*2.* for .*1/,
  ],
];
for (const [what, change, message] of invalid) {
  test.serial(`an optimiser that can't be resumed is refused: ${what}`, async (t) => {
    const error = await codeAndMessage(trained(temporaryFolder(t), { ...still, ...change }));
    t.regex(error, /^CALM_OPTIMIZER_INVALID/);
    t.regex(error, message);
  });
}

test.serial(
  'a checkpoint of an optimiser with another state is an error that names the tensor',
  async (t) => {
    const folder = temporaryFolder(t);
    const schedule = { schedule: 'constant', learningRate: 0.01, warmupSteps: 0, steps: 6 } as const;
    await trained(folder, sgd());
    t.regex(
      await codeAndMessage(trained(folder, adamW(ADAMW_DEFAULTS), { schedule })),
      /^CALM_OPTIMIZER_STATE: The checkpoint at step 4 .* it has no tensor exp_avg\.w/,
    );
    const other: Optimizer = { ...still, init: () => ({ momentum: { trace: { w: tf.zeros([7]) } } }) };
    t.regex(
      await codeAndMessage(trained(folder, other, { schedule })),
      /^CALM_OPTIMIZER_STATE: .*momentum\.trace\.w is .*1.*2.*, not .*7/,
    );
  },
);

test('a name is registered once; an unknown one lists those there are', async (t) => {
  const entry = {
    name: 'still',
    summary: 'Learns nothing.',
    options: z.strictObject({}),
    load: async () => () => still,
  };
  registerOptimizer(entry);
  registerOptimizer(entry);
  t.throws(() => registerOptimizer({ ...entry }), { code: 'CALM_OPTIMIZER_DUPLICATE' });
  t.is(optimizerNames()[0], 'adamw');
  t.is(optimizerNames().filter((name) => name === 'still').length, 1);
  t.is(await loadOptimizer({ name: 'still' }), still);
  await t.throwsAsync(loadOptimizer({ name: 'stil' }), {
    code: 'CALM_OPTIMIZER_UNKNOWN',
    message: /"still"/,
  });
});
