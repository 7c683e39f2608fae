import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
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
import { ADAMW_DEFAULTS, adamW, type TrainerOptions, type TrainerState, train } from 'calm-lm/training';
import { ranksInMemory } from '../helpers/ranks-in-memory.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('cpu');
});

type Batch = { readonly x: Tensor };

/** Fits w to numbers that the step gives: half of them a micro-batch, or all at once. */
function fitNumbers(
  folder: string,
  options: Partial<TrainerOptions<Batch>> & {
    microBatches: number;
    steps?: number;
    valueAt?: (step: number) => number;
    onStep?: (step: number) => void;
  },
) {
  const { microBatches, steps = 6, valueAt = (step) => step, onStep, ...others } = options;
  const [lines, events]: object[][] = [[], []];
  const numbers = (step: number) => [valueAt(step), 1, -2, 0.5];
  const result = train<Batch>({
    stage: 'fit',
    engine,
    parameters: { w: floatTensor(Float32Array.of(3, -1), [1, 2]), b: floatTensor(Float32Array.of(2), [1]) },
    optimizer: adamW(ADAMW_DEFAULTS),
    maxGradNorm: 1,
    schedule: { schedule: 'cosine', learningRate: 0.1, warmupSteps: 1, steps },
    accumulationSteps: microBatches,
    tokensPerStep: 4,
    logEvery: 2,
    checkpointEvery: 3,
    checkpointMinutes: 0,
    evaluateEvery: 4,
    onBadStep: 'stop',
    spikeDeviations: 0,
    checkpoints: new CheckpointStore<TrainerState>(join(folder, 'checkpoints')),
    report: {
      progress: ({ step }) => onStep?.(step),
      note() {},
      warn() {},
      rewind() {},
      metrics: (line) => lines.push(line),
      event: (event) => events.push(event),
    },
    signal: new AbortController().signal,
    loss: ({ w, b }: TensorMap, { x }: Batch) => ({
      loss: tf.mean(tf.square(tf.sub(tf.add(tf.mul(w, tf.expandDims(x, 1)), b), 1))),
    }),
    batch: (number) => {
      const size = 4 / microBatches;
      const first = (number % microBatches) * size;
      const values = numbers(Math.floor(number / microBatches)).slice(first, first + size);
      return { x: floatTensor(Float32Array.from(values), [size]) };
    },
    describeBatch: (number) => ({ number }),
    evaluate: async () => ({ held: 1 }),
    ...others,
  });
  return { result, lines, events };
}

const constant = (steps: number) =>
  ({ schedule: 'constant', learningRate: 0.1, warmupSteps: 0, steps }) as const;
const valuesOf = async (parameters: TensorMap) => [
  ...(await parameters.w.data()),
  ...(await parameters.b.data()),
];

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

const storeIn = (folder: string) => new CheckpointStore<TrainerState>(join(folder, 'checkpoints'));
const codeOf = async (t: ExecutionContext, result: Promise<unknown>) =>
  ((await t.throwsAsync(result)) as { code?: string }).code;

for (const microBatches of [1, 2]) {
  test.serial(
    `a loss that is not finite stops the run with the state before it, and the same run resumes without ` +
      `that step (${microBatches})`,
    async (t) => {
      const folder = temporaryFolder(t);
      const valueAt = (step: number) => (step === 4 ? Number.NaN : 1);
      const stopped = fitNumbers(folder, { microBatches, valueAt });
      t.is(await codeOf(t, stopped.result), 'CALM_BAD_STEP');
      t.like(stopped.events[0], { step: 5, problem: 'the loss is NaN', done: 'stop' });
      t.deepEqual((stopped.events[0] as { batches: unknown[] }).batches.length, microBatches);
      t.is((await storeIn(folder).latest())?.step, 4);
      const resumed = await fitNumbers(folder, { microBatches, valueAt, onBadStep: 'skip' }).result;
      const straight = fitNumbers(temporaryFolder(t), { microBatches, valueAt, onBadStep: 'skip' });
      const values = await valuesOf((await straight.result).parameters);
      t.true(values.every(Number.isFinite));
      t.deepEqual(await valuesOf(resumed.parameters), values);
      t.is(resumed.numSkipped, 1);
      for (const line of straight.lines)
        for (const value of Object.values(line)) t.true(Number.isFinite(value));
    },
  );
}

test.serial(
  'a step that is left out changes nothing: gradients that are not finite, and spikes, against the ' +
    'steps before and after',
  async (t) => {
    const spiked = fitNumbers(temporaryFolder(t), {
      microBatches: 1,
      steps: 100,
      valueAt: (step) => (step === 90 ? 1e6 : step % 7),
      spikeDeviations: 6,
      onBadStep: 'skip',
    });
    const { parameters, numSkipped } = await spiked.result;
    t.is(numSkipped, 1);
    t.like(spiked.events[0], { step: 91, done: 'skip' });
    t.regex((spiked.events[0] as { problem: string }).problem, /^the loss .* is above /);
    const not = fitNumbers(temporaryFolder(t), {
      microBatches: 1,
      steps: 100,
      valueAt: (step) => (step === 90 ? Number.NaN : step % 7),
      onBadStep: 'skip',
    });
    t.deepEqual(await valuesOf((await not.result).parameters), await valuesOf(parameters));
  },
);

test.serial('what was learnt of spikes survives a resume', async (t) => {
  const folder = temporaryFolder(t);
  const valueAt = (step: number) => (step === 95 ? 1e6 : step % 7);
  const controller = new AbortController();
  const stopAt80 = (step: number) => {
    if (step === 80) controller.abort();
    return valueAt(step);
  };
  const options = { microBatches: 1, steps: 100, spikeDeviations: 6, onBadStep: 'skip' } as const;
  t.is(
    await codeOf(t, fitNumbers(folder, { ...options, valueAt: stopAt80, signal: controller.signal }).result),
    'CALM_INTERRUPTED',
  );
  const [resumed, straight] = [
    await fitNumbers(folder, { ...options, valueAt }).result,
    await fitNumbers(temporaryFolder(t), { ...options, valueAt }).result,
  ];
  t.deepEqual(await valuesOf(resumed.parameters), await valuesOf(straight.parameters));
  t.is(resumed.numSkipped, 1);
});

test.serial('when every step is bad there is an end', async (t) => {
  const folder = temporaryFolder(t);
  const { result } = fitNumbers(folder, {
    microBatches: 1,
    steps: 500,
    valueAt: () => Number.POSITIVE_INFINITY,
    onBadStep: 'skip',
  });
  const error = (await t.throwsAsync(result)) as { code?: string; message: string };
  t.is(error.code, 'CALM_BAD_STEP');
  t.regex(error.message, /64 times in a row/);
});

test.serial(
  'the best step by a held-out value is the result, also after a resume; names that are not measured ' +
    'are refused first',
  async (t) => {
    const heldAt = [9, 5, 3, 7, 8, 9];
    const valuesAfter = async (steps: number) =>
      valuesOf(
        (await fitNumbers(temporaryFolder(t), { microBatches: 1, steps, schedule: constant(steps) }).result)
          .parameters,
      );
    let numMeasured = -1;
    const evaluate = async () => ({ heldLoss: heldAt[numMeasured++] ?? 0 });
    const options = {
      microBatches: 1,
      schedule: constant(6),
      evaluateEvery: 1,
      evaluate,
      bestMetric: 'heldLoss',
      directions: { heldLoss: 'lower' } as const,
      checkpointEvery: 100,
    };
    const folder = temporaryFolder(t);
    const { parameters, best } = await fitNumbers(folder, options).result;
    t.deepEqual(best, { step: 3, value: 3 });
    t.deepEqual(await valuesOf(parameters), await valuesAfter(3));
    t.is(
      await codeOf(t, fitNumbers(temporaryFolder(t), { ...options, bestMetric: 'heldLos' }).result),
      'CALM_BEST_METRIC',
    );

    // A damaged best step does not cost the run.
    numMeasured = -1;
    const damaged = temporaryFolder(t);
    const damaging = async () => {
      if (numMeasured === 5)
        writeFileSync(join(damaged, 'checkpoints/step-00000003/tensors.safetensors'), 'x');
      return evaluate();
    };
    const last = await fitNumbers(damaged, { ...options, evaluate: damaging }).result;
    t.is(last.best, undefined);
    t.deepEqual(await valuesOf(last.parameters), await valuesAfter(6));
  },
);

test.serial(
  'the direction decides which step is the best, not the name; what is no number never is',
  async (t) => {
    const bestOf = async (heldAt: readonly number[], direction: 'lower' | 'higher') => {
      let numMeasured = -1;
      const { best } = await fitNumbers(temporaryFolder(t), {
        microBatches: 1,
        schedule: constant(heldAt.length),
        evaluateEvery: 1,
        evaluate: async () => ({ heldLoss: heldAt[numMeasured++] ?? 0, other: 1 }),
        bestMetric: 'heldLoss',
        directions: { heldLoss: direction },
      }).result;
      return best;
    };
    const { NaN: none, POSITIVE_INFINITY: endless } = Number;
    t.deepEqual(await bestOf([none, 5, 3, none, 4], 'lower'), { step: 3, value: 3 });
    t.deepEqual(await bestOf([none, 5, 3, endless, 4], 'higher'), { step: 2, value: 5 });
    t.is(await bestOf([none, none], 'lower'), undefined);
    const undirected = fitNumbers(temporaryFolder(t), { microBatches: 1, bestMetric: 'held' });
    t.is(await codeOf(t, undirected.result), 'CALM_BEST_METRIC');
  },
);

for (const isLater of [false, true]) {
  test.serial(
    `a batch that can't be drawn ahead is an error in its turn (${isLater ? 'read later' : 'at once'})`,
    async (t) => {
      const broken = new Error('the disk is broken');
      const steps: number[] = [];
      const batch = (step: number) => {
        if (step === 3 && isLater) return nextTurn().then(() => Promise.reject(broken));
        if (step === 3) throw broken;
        return { x: floatTensor(Float32Array.of(1, 2), [2]) };
      };
      const { result } = fitNumbers(temporaryFolder(t), {
        microBatches: 1,
        batch,
        evaluate: undefined,
        onStep: (step) => steps.push(step),
      });
      t.is(await t.throwsAsync(result), broken);
      t.deepEqual(steps, [1, 2, 3], 'the step before it counts');
    },
  );
}

test.serial('a step that fails waits for the batch that is drawn ahead', async (t) => {
  const broken = new Error('the step is broken');
  let isDrawn = false;
  const failing: Engine = {
    ...engine,
    compile: () => async () => {
      await nextTurn();
      throw broken;
    },
  };
  const { result } = fitNumbers(temporaryFolder(t), {
    microBatches: 1,
    engine: failing,
    batch: async (step) => {
      if (step === 1) {
        for (let turn = 0; turn < 20; turn++) await nextTurn();
        isDrawn = true;
        throw new Error('and so is the disk');
      }
      return { x: floatTensor(Float32Array.of(1), [1]) };
    },
  });
  t.is(await t.throwsAsync(result), broken);
  t.true(isDrawn);
});

test.serial('a checkpoint is due by the time too', async (t) => {
  const folder = temporaryFolder(t);
  const steps: number[] = [];
  class Watched extends CheckpointStore<TrainerState> {
    override async save(...given: Parameters<CheckpointStore<TrainerState>['save']>) {
      steps.push(given[0]);
      return super.save(...given);
    }
  }
  const checkpoints = new Watched(join(folder, 'checkpoints'));
  await fitNumbers(folder, { microBatches: 1, checkpoints, checkpointEvery: 100, checkpointMinutes: 1e-9 })
    .result;
  t.deepEqual(steps, [1, 2, 3, 4, 5, 6]);
});

test.serial(
  'a signal in the middle of an evaluation leaves it, and the resumed run measures again',
  async (t) => {
    const folder = temporaryFolder(t);
    const controller = new AbortController();
    const evaluate = (isStopped: boolean) => async (_: TensorMap, pause: () => Promise<void>) => {
      if (isStopped) controller.abort();
      await pause();
      return { held: 1 };
    };
    const first = fitNumbers(folder, {
      microBatches: 1,
      signal: controller.signal,
      evaluate: evaluate(true),
    });
    t.is(await codeOf(t, first.result), 'CALM_INTERRUPTED');
    const second = fitNumbers(folder, { microBatches: 1, evaluate: evaluate(false) });
    const straight = fitNumbers(temporaryFolder(t), { microBatches: 1, evaluate: evaluate(false) });
    t.deepEqual((await second.result).metrics, (await straight.result).metrics);
    t.deepEqual([...first.lines, ...second.lines], straight.lines);
  },
);

test.serial('a checkpoint that was damaged is passed over for the one before it', async (t) => {
  const folder = temporaryFolder(t);
  const controller = new AbortController();
  const valueAt = (step: number) => {
    if (step === 4) controller.abort();
    return step;
  };
  await t.throwsAsync(fitNumbers(folder, { microBatches: 1, signal: controller.signal, valueAt }).result);
  const file = join(folder, 'checkpoints/step-00000004/tensors.safetensors');
  const bytes = readFileSync(file);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(file, bytes);
  const problems: string[] = [];
  t.is((await storeIn(folder).latest((problem) => problems.push(problem)))?.step, 3);
  t.regex(problems[0], /contents have changed/);
  const [resumed, straight] = [
    await fitNumbers(folder, { microBatches: 1 }).result,
    await fitNumbers(temporaryFolder(t), { microBatches: 1 }).result,
  ];
  t.deepEqual(await valuesOf(resumed.parameters), await valuesOf(straight.parameters));
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
  const [resumed, straight] = [
    await fitNumbers(folder, { microBatches: 1 }).result,
    await fitNumbers(temporaryFolder(t), { microBatches: 1 }).result,
  ];
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

for (const microBatches of [1, 2]) {
  test.serial(
    `every micro-batch is drawn once, by its number in the whole training, also after a resume ` +
      `(${microBatches})`,
    async (t) => {
      const folder = temporaryFolder(t);
      const drawn = async (steps: number) => {
        const numbers: number[] = [];
        const batch = (number: number) => {
          numbers.push(number);
          return { x: floatTensor(Float32Array.of(number), [1]) };
        };
        await fitNumbers(folder, { microBatches, steps, batch, schedule: constant(steps) }).result;
        return numbers;
      };
      const upTo = (end: number) => Array.from({ length: end * microBatches }, (_, number) => number);
      t.deepEqual(await drawn(3), upTo(3));
      t.deepEqual(await drawn(5), upTo(5).slice(3 * microBatches));
    },
  );
}

test.serial('a batch that was drawn ahead of a stop between micro-batches is freed', async (t) => {
  const before = engine.memory().numTensors;
  const controller = new AbortController();
  const batch = (number: number) => {
    if (number === 3) controller.abort();
    return { x: floatTensor(Float32Array.of(number), [1]) };
  };
  const { result } = fitNumbers(temporaryFolder(t), {
    microBatches: 3,
    batch,
    signal: controller.signal,
  });
  t.is(await codeOf(t, result), 'CALM_INTERRUPTED');
  // What is left is what was learnt: a process that was stopped ends.
  t.is(engine.memory().numTensors - before, 6);
});

test.serial(
  'samples come every so many steps, each once, also where training is left and resumed',
  async (t) => {
    const sampling = (sampled: number[], onSample: (step: number) => void = () => {}) => ({
      microBatches: 1,
      sampleEvery: 2,
      sample: async (step: number, parameters: TensorMap, pause: () => Promise<void>) => {
        await parameters.w.data();
        onSample(step);
        await pause();
        sampled.push(step);
      },
    });
    const straight: number[] = [];
    const undisturbed = await fitNumbers(temporaryFolder(t), sampling(straight)).result;
    t.deepEqual(straight, [2, 4, 6]);
    // 4 is no checkpoint of its own: it is saved because the sample was left in the middle.
    for (const [stopAt, first] of [
      [4, [2]],
      [2, []],
    ] as const) {
      const folder = temporaryFolder(t);
      const sampled: number[] = [];
      const controller = new AbortController();
      const leave = (step: number) => {
        if (step === stopAt) controller.abort();
      };
      const stopped = fitNumbers(folder, { ...sampling(sampled, leave), signal: controller.signal });
      t.is(await codeOf(t, stopped.result), 'CALM_INTERRUPTED');
      t.deepEqual(sampled, first);
      const resumed = await fitNumbers(folder, sampling(sampled)).result;
      t.deepEqual(sampled, [2, 4, 6]);
      t.deepEqual(await valuesOf(resumed.parameters), await valuesOf(undisturbed.parameters));
    }
    const without = await fitNumbers(temporaryFolder(t), { microBatches: 1 }).result;
    t.deepEqual(await valuesOf(undisturbed.parameters), await valuesOf(without.parameters));
  },
);

/** The same training by each rank of a cluster. */
const fitByRanks = (folder: string, size: number, options: Partial<Parameters<typeof fitNumbers>[1]> = {}) =>
  ranksInMemory(size).map((cluster) =>
    fitNumbers(folder, {
      ...{ microBatches: 4, valueAt: (step: number) => Math.sin(step) / 3, evaluateEvery: 2, cluster },
      ...options,
    }),
  );

test.serial('ranks that share the micro-batches end with the bits of one process', async (t) => {
  const [alone] = fitByRanks(temporaryFolder(t), 1);
  const expected = await valuesOf((await alone.result).parameters);
  for (const size of [2, 3, 4]) {
    const folder = temporaryFolder(t);
    const all = fitByRanks(folder, size);
    const results = await Promise.all(all.map(({ result }) => result));
    for (const { parameters } of results) t.deepEqual(await valuesOf(parameters), expected, `${size} ranks`);
    t.deepEqual(all[0].lines, alone.lines);
    t.is((await storeIn(folder).latest())?.step, 6);
  }
});

test.serial('a training that was stopped goes on with any number of ranks', async (t) => {
  const [alone] = fitByRanks(temporaryFolder(t), 1);
  const expected = await valuesOf((await alone.result).parameters);
  for (const [before, after] of [
    [4, 1],
    [1, 3],
    [3, 2],
  ]) {
    const folder = temporaryFolder(t);
    const controller = new AbortController();
    // One rank alone hears the signal, all leave at the same step.
    const stopping = ranksInMemory(before).map((cluster) =>
      fitNumbers(folder, {
        ...{ microBatches: 4, valueAt: (step: number) => Math.sin(step) / 3, evaluateEvery: 2, cluster },
        onStep: (step) => step === 4 && controller.abort(),
        ...(cluster.rank === before - 1 ? { signal: controller.signal } : {}),
      }),
    );
    for (const { result } of stopping) t.is(await codeOf(t, result), 'CALM_INTERRUPTED');
    t.is((await storeIn(folder).latest())?.step, 4);
    const [resumed] = await Promise.all(fitByRanks(folder, after).map(({ result }) => result));
    t.deepEqual(await valuesOf(resumed.parameters), expected, `${before} ranks, then ${after}`);
  }
});

test.serial('a bad step is left out by all ranks', async (t) => {
  const valueAt = (step: number) => (step === 2 ? Number.NaN : 1);
  const options = { valueAt, onBadStep: 'skip' } as const;
  const [alone] = fitByRanks(temporaryFolder(t), 1, options);
  const all = await Promise.all(fitByRanks(temporaryFolder(t), 2, options).map(({ result }) => result));
  for (const { parameters, numSkipped } of all) {
    t.is(numSkipped, 1);
    t.deepEqual(await valuesOf(parameters), await valuesOf((await alone.result).parameters));
  }
});

test.serial('more ranks than micro-batches are refused, and ranks that calculate otherwise', async (t) => {
  const tooMany = await Promise.allSettled(fitByRanks(temporaryFolder(t), 5).map(({ result }) => result));
  for (const each of tooMany) t.is(each.status === 'rejected' && each.reason.code, 'CALM_RANKS');
  const folder = temporaryFolder(t);
  // Weight decay of one rank alone: the gradients are the same, the weights are not.
  const drifting = ranksInMemory(2).map((cluster) =>
    fitNumbers(folder, {
      ...{ microBatches: 2, cluster },
      optimizer: adamW({ ...ADAMW_DEFAULTS, weightDecay: cluster.rank / 2 }),
    }),
  );
  for (const { result } of drifting) t.is(await codeOf(t, result), 'CALM_RANKS_DIFFER');
  t.is(await storeIn(folder).latest(), undefined);
});
