import test, { type ExecutionContext } from 'ava';
import { type EngineName, engineVersion, loadEngine, type Tensor, tf } from 'calm-lm/engine';
import { emitOnnx } from '../../src/engine/onnx/emit.ts';
import { splitGraph } from '../../src/engine/onnx/host.ts';
import { emitTensorFlow } from '../../src/engine/tensorflow/emit.ts';
import type { Node } from '../../src/engine/trace/graph.ts';
import { UnknownKernel } from '../../src/engine/trace/kernel.ts';
import { KERNELS } from '../../src/engine/trace/kernels/index.ts';
import { simplify } from '../../src/engine/trace/simplify.ts';
import { trace } from '../../src/engine/trace/trace.ts';
import { EXAMPLES, exampleInputs } from '../helpers/kernel-examples.ts';

type Step = (inputs: Record<string, Tensor>) => Record<string, Tensor>;

interface Found {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly numbers: readonly number[];
}

/** What an example gives: one tensor or several, as a step returns them. */
const stepOf =
  (example: (inputs: ReturnType<typeof exampleInputs>) => Tensor | Tensor[]): Step =>
  (inputs) =>
    Object.fromEntries([example(inputs as never)].flat().map((tensor, i) => [`y${i}`, tensor]));

async function numbersOf(outputs: Record<string, Tensor>): Promise<Found[]> {
  return Promise.all(
    Object.values(outputs).map(async (tensor) => {
      const numbers = Array.from(await tensor.data(), Number);
      return { shape: tensor.shape, dtype: tensor.dtype, numbers };
    }),
  );
}

function compare(t: ExecutionContext, name: string, found: Found[], expected: Found[]): void {
  t.is(found.length, expected.length, name);
  for (const [i, { shape, dtype, numbers }] of expected.entries()) {
    t.deepEqual([found[i].dtype, found[i].shape], [dtype, shape], name);
    const gaps = numbers.map((number, at) => Math.abs(found[i].numbers[at] - number));
    t.true(
      gaps.every((gap, at) => gap <= 1e-5 * Math.max(1, Math.abs(numbers[at]))),
      `${name}: ${found[i].numbers} instead of ${numbers}`,
    );
  }
}

test('every kernel has an example', (t) => {
  t.deepEqual(Object.keys(EXAMPLES).sort(), [...KERNELS.keys()].sort());
});

test.serial('an example uses its kernel, and every form that a row has can be written', async (t) => {
  await loadEngine('cpu');
  for (const [name, examples] of Object.entries(EXAMPLES))
    for (const example of examples) {
      const { graph } = trace(stepOf(example) as never, exampleInputs());
      const simple = simplify(graph);
      const kernels = [graph, simple].flatMap(({ nodes }) => nodes.map(({ kernel }) => kernel));
      t.true(kernels.includes(name), `${name}: ${kernels}`);
      t.notThrows(() => emitTensorFlow(simple), name);
      t.notThrows(() => emitOnnx(splitGraph(simple).device), name);
    }
});

// TensorFlow where `calm engine install cpu` was run.
for (const engineName of ['onnx', 'node'] satisfies EngineName[]) {
  (engineVersion(engineName) ? test.serial : test.serial.skip)(
    `a compiled kernel gives what the eager one gives: shape, type and numbers (${engineName})`,
    async (t) => {
      await loadEngine('cpu');
      const expected: Found[][] = [];
      for (const example of Object.values(EXAMPLES).flat())
        expected.push(await numbersOf(tf.tidy(() => stepOf(example)(exampleInputs()))));
      const engine = await loadEngine(engineName);
      for (const [name, examples] of Object.entries(EXAMPLES))
        for (const example of examples) {
          const found = await engine.compile(stepOf(example))(exampleInputs());
          compare(t, name, await numbersOf(found), expected.shift() as Found[]);
        }
    },
  );
}

test.serial('a kernel without a form says so, and what follows an update can be no ONNX graph', async (t) => {
  await loadEngine('cpu');
  const followed: Step = (inputs) => ({ y: tf.neg((EXAMPLES.CalmAdamW[0](inputs as never) as Tensor[])[0]) });
  const { graph } = trace(followed as never, exampleInputs());
  const error = t.throws(() => emitOnnx(splitGraph(simplify(graph)).device), { instanceOf: UnknownKernel });
  t.regex(error?.message ?? '', /CalmAdamW has no ONNX form: the host carries it out/);
  const outputs = graph.outputs as Node['outputs'];
  const nodes = [{ kernel: 'Tan', inputs: graph.inputs, attrs: {}, outputs }];
  for (const emit of [emitOnnx, emitTensorFlow])
    t.throws(() => emit({ ...graph, nodes }), {
      instanceOf: UnknownKernel,
      message: /Tan has no \w+ form: it is not in the table/,
    });
});
