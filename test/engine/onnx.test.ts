import test from 'ava';
import { disposeTree, type Engine, loadEngine, type Tensor, tf } from 'calm-lm/engine';
import { calmTable, energyHead, initParameters } from 'calm-lm/models';
import type { Learnt } from 'calm-lm/training';
import { batchAt, config, firstLearnt, type Inputs, scalarsAt, step } from '../helpers/training-step.ts';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('onnx');
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
  const compiled = engine.compile(step as (given: Inputs) => { learnt: Learnt; loss: Tensor }, {
    donates: ['learnt'],
  });
  const parameters = initParameters(calmTable(config, energyHead), 1, 0.1);
  const name = 'mlp_generator.final_layer.linears.2.bias';
  const shared = tf.clone(parameters[name]);
  const inputs = {
    learnt: firstLearnt(parameters),
    scalars: scalarsAt(1e-1, 1),
    batch: batchAt(1),
  };
  const outputs = await compiled(inputs);
  t.true(parameters[name].isDisposed);
  t.deepEqual([...(await shared.data())], new Array(5).fill(0));
  t.notDeepEqual([...(await outputs.learnt.parameters[name].data())], new Array(5).fill(0));
  disposeTree({ outputs, shared, scalars: inputs.scalars, batch: inputs.batch });
});

test.serial('training steps write over what is donated: parameters and both moments', async (t) => {
  const compiled = engine.compile(step as (given: Inputs) => { learnt: Learnt; loss: Tensor }, {
    donates: ['learnt'],
  });
  const placesOf = async ({ parameters, state }: Learnt) => {
    const maps = { parameters, ...state } as Record<string, Record<string, Tensor>>;
    const places = new Map<string, { buffer: ArrayBufferLike; byteOffset: number }>();
    for (const [kind, map] of Object.entries(maps))
      for (const [name, tensor] of Object.entries(map)) places.set(`${kind} ${name}`, await tensor.data());
    return places;
  };
  const advance = async (learnt: Learnt, number: number) => {
    const inputs = { learnt, scalars: scalarsAt(1e-1, number), batch: batchAt(number) };
    const { learnt: next, loss } = await compiled(inputs);
    disposeTree({ loss, scalars: inputs.scalars, batch: inputs.batch });
    return next;
  };
  // The first step moves everything into one memory, where it stays.
  const settled = await advance(firstLearnt(initParameters(calmTable(config, energyHead), 1, 0.1)), 1);
  const before = await placesOf(settled);
  const next = await advance(settled, 2);
  const after = await placesOf(next);
  t.true(before.size > 30);
  t.is(after.size, before.size);
  for (const [name, { buffer, byteOffset }] of before) {
    const place = after.get(name);
    t.true(place?.buffer === buffer && place.byteOffset === byteOffset, name);
  }
  disposeTree(next);
});

test.serial('constants are built in, and other constants get another graph', async (t) => {
  const compiled = engine.compile(
    ({ w, x }: { w: Tensor; x: Tensor }) => ({ y: tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D) }),
    { constants: ['w'] },
  );
  const x = tf.tensor2d([[1, 2]]);
  for (const factor of [1, 2, 1]) {
    const w = tf.mul(tf.tensor2d([[1], [10]]), factor);
    for (let i = 0; i < 2; i++) t.is((await (await compiled({ w, x })).y.data())[0], 21 * factor);
  }
});

test.serial(
  'other shapes get other graphs; outputs may be inputs, constants, or the same tensor twice',
  async (t) => {
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
  },
);

test.serial('0 and −0 are two constants', async (t) => {
  const compiled = engine.compile(({ x }: { x: Tensor }) => ({
    up: tf.div(1, tf.mul(x, 0)),
    down: tf.div(1, tf.mul(x, -0)),
  }));
  const { up, down } = await compiled({ x: tf.scalar(2) });
  t.is((await up.data())[0], Number.POSITIVE_INFINITY);
  t.is((await down.data())[0], Number.NEGATIVE_INFINITY);
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
