import { join } from 'node:path';
import test from 'ava';
import { CheckpointStore } from 'calm-lm/artifacts';
import { disposeTree, type Engine, floatTensor, loadEngine, type Tensor, type TensorMap, tf } from 'calm-lm/engine';
import { OPTIMIZER_DEFAULTS, type TrainerState, train } from 'calm-lm/training';
import { temporaryFolder } from '../helpers/temporary.ts';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('cpu');
});

type Batch = { readonly x: Tensor };

/** Fits w to numbers that the step gives: half of them a micro-batch, or all at once. */
function fitNumbers(folder: string, options: { microBatches: number; steps?: number; valueAt?: (step: number) => number; signal?: AbortSignal }) {
  const { microBatches, steps = 6, valueAt = (step) => step } = options;
  const lines: object[] = [];
  const numbers = (step: number) => [valueAt(step), 1, -2, 0.5];
  const result = train<Batch>({
    stage: 'fit',
    engine,
    parameters: { w: floatTensor(Float32Array.of(3, -1), [1, 2]), b: floatTensor(Float32Array.of(2), [1]) },
    optimizer: OPTIMIZER_DEFAULTS,
    schedule: { schedule: 'cosine', learningRate: 0.1, warmupSteps: 1, steps },
    accumulationSteps: microBatches,
    tokensPerStep: 4,
    logEvery: 2,
    checkpointEvery: 3,
    evaluateEvery: 4,
    checkpoints: new CheckpointStore<TrainerState>(join(folder, 'checkpoints')),
    report: { progress() {}, note() {}, rewind() {}, metrics: (line) => lines.push(line) },
    signal: options.signal ?? new AbortController().signal,
    loss: ({ w, b }: TensorMap, { x }: Batch) => ({ loss: tf.mean(tf.square(tf.sub(tf.add(tf.mul(w, tf.expandDims(x, 1)), b), 1))) }),
    batch: (step, micro) => {
      const size = 4 / microBatches;
      return { x: floatTensor(Float32Array.from(numbers(step).slice(micro * size, (micro + 1) * size)), [size]) };
    },
    evaluate: async () => ({ held: 1 }),
  });
  return { result, lines };
}

const valuesOf = async (parameters: TensorMap) => [...(await parameters.w.data()), ...(await parameters.b.data())];

test.serial('gradients of micro-batches add up to those of the whole batch', async (t) => {
  const whole = await fitNumbers(temporaryFolder(t), { microBatches: 1 }).result;
  const parts = await fitNumbers(temporaryFolder(t), { microBatches: 2 }).result;
  const [a, b] = [await valuesOf(whole.parameters), await valuesOf(parts.parameters)];
  a.forEach((value, i) => {
    t.true(Math.abs(value - b[i]) < 1e-6, `${value} and ${b[i]}`);
  });
  t.notDeepEqual(a, [3, -1, 2]);
});

test.serial('lines are means of their windows; held-out values have lines of their own', async (t) => {
  const { result, lines } = fitNumbers(temporaryFolder(t), { microBatches: 1 });
  await result;
  t.deepEqual(
    lines.map((line) => [(line as { step: number }).step, 'held' in line]),
    [
      [2, false],
      [4, false],
      [4, true],
      [6, false],
      [6, true],
    ],
  );
});

test.serial('a loss that is not finite stops the run and keeps the last checkpoint', async (t) => {
  const folder = temporaryFolder(t);
  const error = (await t.throwsAsync(fitNumbers(folder, { microBatches: 1, valueAt: (step) => (step === 4 ? Number.NaN : 1) }).result)) as { code?: string };
  t.is(error.code, 'CALM_LOSS_NOT_FINITE');
  t.is((await new CheckpointStore(join(folder, 'checkpoints')).latest())?.step, 3);
});

test.serial('a signal saves the step that it finds', async (t) => {
  const folder = temporaryFolder(t);
  const controller = new AbortController();
  const { result } = fitNumbers(folder, {
    microBatches: 1,
    signal: controller.signal,
    valueAt: (step) => {
      if (step === 4) controller.abort();
      return step;
    },
  });
  const error = (await t.throwsAsync(result)) as { code?: string };
  t.is(error.code, 'CALM_INTERRUPTED');
  // Batch 4 is drawn while step 3 runs, so four steps are done by then.
  t.is((await new CheckpointStore(join(folder, 'checkpoints')).latest())?.step, 4);
  const [resumed, straight] = [await fitNumbers(folder, { microBatches: 1 }).result, await fitNumbers(temporaryFolder(t), { microBatches: 1 }).result];
  t.deepEqual(await valuesOf(resumed.parameters), await valuesOf(straight.parameters));
});

test.serial('tensors do not grow with the steps', async (t) => {
  const count = async (steps: number) => {
    const before = engine.memory().numTensors;
    disposeTree((await fitNumbers(temporaryFolder(t), { microBatches: 1, steps }).result).parameters);
    return engine.memory().numTensors - before;
  };
  t.is(await count(5), 0);
  t.is(await count(300), 0);
});
