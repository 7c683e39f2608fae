import test from 'ava';
import { disposeTree, type Engine, floatTensor, intTensor, loadEngine, type Tensor, type TensorMap, tf, valueAndGradients } from 'calm-lm/engine';
import { CALM_DEFAULTS, calmLoss, calmTable, initParameters, isDecayed } from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { adamW, clipByNorm, type Moments, OPTIMIZER_DEFAULTS, type StepScalars, stepScalars, zeroMoments } from 'calm-lm/training';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('onnx');
});

const config = {
  ...CALM_DEFAULTS,
  vocabSize: 30,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  latentSize: 5,
  patchSize: 2,
  noiseSize: 4,
  numMlpLayers: 1,
  numSamples: 3,
  padTokenId: 29,
};
const [ROWS, PATCHES, TARGETS] = [2, 6, 4];

type Learnt = { readonly parameters: TensorMap; readonly moments: Moments };
type Batch = {
  readonly ids: Tensor;
  readonly targets: { readonly mean: Tensor; readonly logStd: Tensor };
  readonly noise: Tensor;
  readonly targetNoise: Tensor;
};
type Inputs = { readonly learnt: Learnt; readonly scalars: StepScalars; readonly batch: Batch };

/** A whole training step of the language model. */
function step({ learnt, scalars, batch }: Inputs): { learnt: Learnt; loss: Tensor } {
  const { outputs, gradients } = valueAndGradients(() => ({ loss: calmLoss(learnt.parameters, config, batch, batch).loss }), learnt.parameters);
  const clipped = clipByNorm(gradients, 1);
  const updated = adamW(learnt.parameters, learnt.moments, gradients, clipped.scale, scalars, OPTIMIZER_DEFAULTS, (name) =>
    isDecayed(learnt.parameters[name].shape),
  );
  return { learnt: updated, loss: outputs.loss };
}

function batchAt(number: number): Batch {
  const stream = new RandomStream(number, 'batch');
  const positions = ROWS * PATCHES;
  const normals = (...shape: number[]) => floatTensor(stream.normals(shape.reduce((a, b) => a * b)), shape);
  return {
    ids: intTensor(
      Int32Array.from({ length: positions * 2 }, () => stream.nextInteger(30)),
      [ROWS, PATCHES * 2],
    ),
    targets: { mean: normals(positions, 5), logStd: normals(positions, 5) },
    noise: floatTensor(stream.uniforms(3 * positions * 4, -0.5), [3, positions, 4]),
    targetNoise: normals(positions, TARGETS, 5),
  };
}

async function trained(
  run: (inputs: Inputs) => Promise<{ learnt: Learnt; loss: Tensor }>,
  steps: number,
): Promise<{ parameters: Record<string, Float32Array>; losses: number[] }> {
  const parameters = initParameters(calmTable(config), 1, 0.1);
  let learnt: Learnt = { parameters, moments: zeroMoments(parameters) };
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const inputs = { learnt, scalars: stepScalars(OPTIMIZER_DEFAULTS, 1e-3, i + 1), batch: batchAt(i) };
    const outputs = await run(inputs);
    losses.push((await outputs.loss.data())[0]);
    disposeTree({ ...inputs, loss: outputs.loss });
    learnt = outputs.learnt;
  }
  const values: Record<string, Float32Array> = {};
  for (const [name, tensor] of Object.entries(learnt.parameters)) values[name] = (await tensor.data<'float32'>()).slice();
  disposeTree(learnt);
  return { parameters: values, losses };
}

test.serial('a compiled training step equals the eager one over 20 steps, and itself to the bit', async (t) => {
  const compiled = engine.compile(step as (given: Inputs) => { learnt: Learnt; loss: Tensor }, { donates: ['learnt'] });
  const [first, second] = [await trained(compiled, 20), await trained(compiled, 20)];
  t.deepEqual(first, second);
  const eager = await trained(
    async (inputs) => tf.tidy(() => step(inputs) as unknown as tf.TensorContainer) as unknown as { learnt: Learnt; loss: Tensor },
    20,
  );
  const start = initParameters(calmTable(config), 1, 0.1);
  for (const [name, values] of Object.entries(eager.parameters)) {
    const begin = await start[name].data();
    const [update, gap] = [
      Math.hypot(...values.map((value, i) => value - begin[i])),
      Math.hypot(...values.map((value, i) => value - first.parameters[name][i])),
    ];
    t.true(gap <= 1e-4 * update + 1e-9, `${name}: ${gap / update}`);
  }
});

test.serial('memory does not grow with the steps', async (t) => {
  const compiled = engine.compile(({ x }: { x: Tensor }) => ({ y: tf.mul(x, 2) }));
  const x = tf.scalar(3);
  disposeTree(await compiled({ x }));
  const before = engine.memory();
  for (let i = 0; i < 1000; i++) disposeTree(await compiled({ x }));
  t.deepEqual(engine.memory(), before);
});

test.serial('what is donated is gone, and what only shares its numbers is not', async (t) => {
  const compiled = engine.compile(step as (given: Inputs) => { learnt: Learnt; loss: Tensor }, { donates: ['learnt'] });
  const parameters = initParameters(calmTable(config), 1, 0.1);
  const name = 'mlp_generator.final_layer.linears.2.bias';
  const shared = tf.clone(parameters[name]);
  const inputs = { learnt: { parameters, moments: zeroMoments(parameters) }, scalars: stepScalars(OPTIMIZER_DEFAULTS, 1e-1, 1), batch: batchAt(1) };
  const outputs = await compiled(inputs);
  t.true(parameters[name].isDisposed);
  t.deepEqual([...(await shared.data())], new Array(5).fill(0));
  t.notDeepEqual([...(await outputs.learnt.parameters[name].data())], new Array(5).fill(0));
  disposeTree({ outputs, shared, scalars: inputs.scalars, batch: inputs.batch });
});

test.serial('constants are built in, and other constants get another graph', async (t) => {
  const compiled = engine.compile(({ w, x }: { w: Tensor; x: Tensor }) => ({ y: tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D) }), { constants: ['w'] });
  const x = tf.tensor2d([[1, 2]]);
  for (const factor of [1, 2, 1]) {
    const w = tf.mul(tf.tensor2d([[1], [10]]), factor);
    for (let i = 0; i < 2; i++) t.is((await (await compiled({ w, x })).y.data())[0], 21 * factor);
  }
});

test.serial('other shapes get other graphs; outputs may be inputs, constants, or the same tensor twice', async (t) => {
  const compiled = engine.compile(({ x }: { x: Tensor }) => {
    const sum = tf.sum(x, 0);
    return { x, one: tf.ones([2]), sum, again: sum };
  });
  for (const rows of [1, 3, 1, 5]) {
    const outputs = await compiled({ x: tf.ones([rows, 2]) });
    t.deepEqual([...(await outputs.sum.data())], [rows, rows]);
    t.deepEqual([...(await outputs.again.data())], [rows, rows]);
    t.deepEqual([...(await outputs.one.data())], [1, 1]);
    t.deepEqual(outputs.x.shape, [rows, 2]);
  }
});

test.serial('a step that does what a graph can’t is an error that says so', async (t) => {
  const outside = tf.scalar(1);
  const uses = engine.compile(({ x }: { x: Tensor }) => ({ y: tf.add(x, outside) }));
  await t.throwsAsync(uses({ x: tf.scalar(2) }), { message: /not among its inputs/ });
  t.is((await outside.data())[0], 1);
  const reads = engine.compile(({ x }: { x: Tensor }) => ({ y: tf.scalar(x.dataSync()[0]) }));
  await t.throwsAsync(reads({ x: tf.scalar(2) }), { message: /read data/ });
});

test.serial('a kernel without an operator runs eagerly, and is named once', async (t) => {
  const warnings: string[] = [];
  const listen = (warning: Error) => warnings.push(warning.message);
  process.on('warning', listen);
  const compiled = engine.compile(({ x }: { x: Tensor }) => ({ y: tf.tan(x) }));
  for (let i = 0; i < 2; i++) t.is((await (await compiled({ x: tf.scalar(0) })).y.data())[0], 0);
  await new Promise(setImmediate);
  process.off('warning', listen);
  t.is(warnings.filter((message) => message.includes('Tan')).length, 1);
});
