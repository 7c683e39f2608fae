import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readSafetensors, type StoredTensors } from 'calm-lm/artifacts';
import {
  disposeTree,
  type Engine,
  floatTensor,
  loadEngine,
  type TensorMap,
  type TensorTree,
  tf,
} from 'calm-lm/engine';
import { muonOptions } from '../../src/training/optimizers/index.ts';
import { muon } from '../../src/training/optimizers/muon.ts';
import {
  firstState,
  leavesOf,
  type OptimizerInputs,
  update,
} from '../../src/training/optimizers/optimizer.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/muon');

interface Recorded {
  readonly steps: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
  readonly byMuon: readonly string[];
  readonly noise: Readonly<Record<string, number>>;
}

const recorded = JSON.parse(readFileSync(join(FIXTURE, 'meta.json'), 'utf8')) as Recorded;

/** The tensors whose names begin with a prefix, without it. */
function tensorsUnder(stored: StoredTensors, prefix: string): TensorMap {
  const names = [...stored.keys()].filter((name) => name.startsWith(prefix));
  return Object.fromEntries(
    names.map((name) => {
      const { data, shape } = stored.get(name) as { data: Float32Array; shape: readonly number[] };
      return [name.slice(prefix.length), floatTensor(Float32Array.from(data), [...shape])];
    }),
  );
}

/** min(1, maxNorm / (norm + 1e-6)), in double precision. */
function clippingOf(gradients: TensorMap): number {
  const squares = Object.values(gradients).flatMap((tensor) => [...tensor.dataSync()].map((x) => x * x));
  return Math.min(1, recorded.maxGradNorm / (Math.sqrt(squares.reduce((a, b) => a + b, 0)) + 1e-6));
}

const scalar = (value: number) => floatTensor(Float32Array.of(value), []);

for (const name of ['cpu', 'wasm', 'onnx'] as const) {
  test.serial(`20 steps are those of PyTorch, within ten times the noise of float32 (${name})`, async (t) => {
    const engine: Engine = await loadEngine(name);
    const asRecorded = { polynomial: 'newton-schulz', polynomialSteps: 5 } as const;
    const optimizer = muon(muonOptions.parse({ ...asRecorded, weightDecay: recorded.weightDecay }));
    const stored = await readSafetensors(join(FIXTURE, 'steps.safetensors'));
    let learnt = { parameters: tensorsUnder(stored, 'first.'), state: {} as never };
    learnt = { ...learnt, state: firstState(optimizer as never, learnt.parameters) as never };
    t.deepEqual(Object.keys((learnt.state as { momentum: TensorMap }).momentum).sort(), [...recorded.byMuon]);
    const step = engine.compile(
      (inputs: TensorTree) =>
        update(optimizer as never, inputs as unknown as OptimizerInputs<never>) as never,
    );
    for (let number = 1; number <= recorded.steps; number++) {
      const gradients = tensorsUnder(stored, `gradient.${number}.`);
      const numbers = Object.entries(optimizer.scalars?.(number) ?? {});
      const scalars = Object.fromEntries(numbers.map(([key, value]) => [key, scalar(value)]));
      const scale = scalar(clippingOf(gradients));
      learnt = (await step({
        ...learnt,
        gradients,
        learningRate: scalar(recorded.learningRate),
        scale,
        scalars,
      })) as never;
    }
    const expected = tensorsUnder(stored, 'last.');
    for (const [key, tensor] of Object.entries(expected)) {
      const [wanted, found] = [await tensor.data(), await learnt.parameters[key].data()];
      const largest = Math.max(...wanted.map(Math.abs));
      const deviation = Math.max(...wanted.map((value, i) => Math.abs(value - found[i]))) / largest;
      t.true(deviation <= 10 * recorded.noise[key], `${key}: ${deviation}, noise ${recorded.noise[key]}`);
    }
    disposeTree({ ...learnt.parameters, ...expected });
  });
}

test.serial('a step of scale 0 changes nothing, whatever the gradients are', async (t) => {
  await loadEngine('cpu');
  const optimizer = muon(muonOptions.parse({ smallestSide: 2 }));
  const parameters = { 'a.weight': tf.randomNormal([2, 3]), 'b.weight': tf.randomNormal([4]) };
  const gradients = {
    'a.weight': tf.fill([2, 3], Number.NaN),
    'b.weight': tf.fill([4], Number.POSITIVE_INFINITY),
  };
  const state = firstState(optimizer as never, parameters);
  const next = update(optimizer as never, {
    parameters,
    state,
    gradients,
    learningRate: scalar(0.1),
    scale: scalar(0),
    scalars: { correction1: scalar(0.1), correction2: scalar(0.05) },
  });
  const before = new Map(leavesOf({ parameters, state }));
  for (const [name, tensor] of leavesOf({ parameters: next.parameters, state: next.state }))
    t.deepEqual([...tensor.dataSync()], [...(before.get(name)?.dataSync() ?? [])], name);
});

const matrixOf = (seed: number, rows: number, columns: number) =>
  tf.randomNormal([rows, columns], 0, 1, 'float32', seed);

test.serial(
  'in turn: each matrix is moved once in so many steps, and as far as in all of them',
  async (t) => {
    await loadEngine('cpu');
    const names = ['a.weight', 'b.weight', 'c.weight', 'd.weight'];
    const shapes: [number, number][] = [
      [3, 2],
      [3, 2],
      [3, 2],
      [2, 2],
    ];
    const tensors = (first: number) =>
      Object.fromEntries(names.map((name, i) => [name, matrixOf(first + i, ...shapes[i])]));
    const [parameters, gradients] = [tensors(1), tensors(11)];
    const stepsOf = (every: number, count: number) => {
      const optimizer = muon(muonOptions.parse({ smallestSide: 2, weightDecay: 0, momentum: 0, every }));
      let learnt = { parameters, state: firstState(optimizer as never, parameters) };
      const seen = [learnt.parameters];
      for (let number = 1; number <= count; number++) {
        const numbers = Object.entries(optimizer.scalars?.(number) ?? {});
        const scalars = Object.fromEntries(numbers.map(([key, value]) => [key, scalar(value)]));
        const given = { ...learnt, gradients, learningRate: scalar(0.1), scale: scalar(1), scalars };
        learnt = update(optimizer as never, given as never) as never;
        seen.push(learnt.parameters);
      }
      return seen.map((one) => names.map((name) => [...one[name].dataSync()]));
    };
    const [all, inTurn] = [stepsOf(1, 1), stepsOf(3, 6)];
    // Without momentum and decay every step is the same: three of them are one that is three times as long.
    const [first, second] = [all[0], all[1]];
    names.forEach((name, i) => {
      const moves = inTurn
        .slice(1)
        .map((now, step) => now[i].some((value, n) => value !== inTurn[step][i][n]));
      const turn = i % 3;
      t.deepEqual(
        moves,
        [0, 1, 2, 0, 1, 2].map((step) => step === turn),
        name,
      );
      inTurn[3][i].forEach((value, n) => {
        t.true(Math.abs(value - (first[i][n] + 3 * (second[i][n] - first[i][n]))) < 1e-5, name);
      });
    });
  },
);

test.serial('its FLOPs are those of the products that a step makes', async (t) => {
  await loadEngine('cpu');
  const shapes: [number, number][] = [
    [4, 4],
    [4, 8],
    [8, 4],
    [4, 5],
  ];
  for (const polynomialSteps of [1, 2, 5])
    for (const shape of shapes) {
      const optimizer = muon(muonOptions.parse({ smallestSide: 4, polynomialSteps }));
      const table = { 'a.weight': shape, 'embed_tokens.weight': [9, 9], 'b.bias': [4] };
      const parameters = { 'a.weight': matrixOf(1, ...shape) };
      const step = () =>
        update(optimizer as never, {
          parameters,
          state: firstState(optimizer as never, parameters),
          gradients: parameters,
          learningRate: scalar(0.1),
          scale: scalar(1),
          scalars: {},
        });
      const { kernels } = await tf.profile(async () => {
        step();
      });
      const products = kernels.filter(({ name }) => name === 'BatchMatMul');
      const sizeOf = (sides: readonly number[] = []) => sides.reduce((a, b) => a * b, 1);
      const flops = products.reduce(
        (sum, { inputShapes, outputShapes }) => sum + 2 * sizeOf(inputShapes[0]) * outputShapes[0][2],
        0,
      );
      t.is(optimizer.flops?.(table), flops, `${shape}, ${polynomialSteps}`);
    }
});
