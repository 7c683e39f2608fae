import test from 'ava';
import {
  type AdamWAttributes,
  applyAdamW,
  disposeTree,
  floatTensor,
  loadEngine,
  type Tensor,
  tf,
} from 'calm-lm/engine';
import { RandomStream } from 'calm-lm/random';

const ATTRIBUTES: AdamWAttributes = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };
const [SCALE, RATE, CORRECTION1, CORRECTION2] = [0.5, 0.01, 0.19, 0.0975];

for (const name of ['cpu', 'wasm', 'onnx'] as const) {
  // More than one block of the kernel, and no multiple of its four lanes.
  for (const size of [1, 6, 16384, 40001]) {
    test.serial(`the update is the formula (${name}, ${size} numbers)`, async (t) => {
      const engine = await loadEngine(name);
      const stream = new RandomStream(size, 'adamw');
      const [p, m, g] = [stream.normals(size), stream.normals(size), stream.normals(size)];
      const v = stream.uniforms(size);
      const scalar = (value: number) => floatTensor(Float32Array.of(value), []);
      const inputs = {
        parameter: floatTensor(p.slice(), [size]),
        first: floatTensor(m.slice(), [size]),
        second: floatTensor(v.slice(), [size]),
        gradient: floatTensor(g.slice(), [size]),
        scale: scalar(SCALE),
        learningRate: scalar(RATE),
        correction1: scalar(CORRECTION1),
        correction2: scalar(CORRECTION2),
      };
      const run = engine.compile((given: typeof inputs) => {
        const [parameter, first, second] = applyAdamW(given, ATTRIBUTES);
        return { parameter, first, second };
      });
      const found = await run(inputs);
      const [newP, newM, newV] = [
        await numbers(found.parameter),
        await numbers(found.first),
        await numbers(found.second),
      ];
      for (let i = 0; i < size; i++) {
        const gradient = g[i] * SCALE;
        const first = 0.9 * m[i] + 0.1 * gradient;
        const second = 0.95 * v[i] + 0.05 * gradient ** 2;
        const parameter =
          p[i] * (1 - RATE * 0.1) - (RATE * (first / CORRECTION1)) / (Math.sqrt(second / CORRECTION2) + 1e-8);
        if (
          Math.abs(newM[i] - first) > 1e-6 ||
          Math.abs(newV[i] - second) > 1e-6 ||
          Math.abs(newP[i] - parameter) > 1e-5
        )
          return t.fail(`at ${i}`);
      }
      // Nothing was donated, so the inputs stand.
      t.deepEqual(await numbers(inputs.parameter), p);
      disposeTree({ inputs, found });
      t.pass();
    });
  }
}

for (const name of ['cpu', 'wasm', 'onnx'] as const) {
  test.serial(
    `a scale of 0 leaves everything as it is, whatever the gradient, donated or not (${name})`,
    async (t) => {
      const engine = await loadEngine(name);
      const scalar = (value: number) => floatTensor(Float32Array.of(value), []);
      const values = {
        parameter: [1, -2, 3, 4, 5],
        first: [0.1, 0.2, 0, -1, 2],
        second: [1, 0, 4, 9, 2],
        gradient: [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e38],
      };
      const make = () => ({
        state: Object.fromEntries(
          Object.entries(values).map(([key, list]) => [key, floatTensor(Float32Array.from(list), [5])]),
        ) as Record<keyof typeof values, Tensor>,
        scalars: {
          scale: scalar(0),
          learningRate: scalar(RATE),
          correction1: scalar(CORRECTION1),
          correction2: scalar(CORRECTION2),
        },
      });
      for (const donates of [[], ['state']] as ('state' | 'scalars')[][]) {
        const run = engine.compile(
          ({ state, scalars }: ReturnType<typeof make>) => {
            const [parameter, first, second] = applyAdamW({ ...state, ...scalars }, ATTRIBUTES);
            return { parameter, first, second };
          },
          { donates },
        );
        const found = await run(make());
        for (const key of ['parameter', 'first', 'second'] as const)
          t.deepEqual([...(await numbers(found[key]))], [...Float32Array.from(values[key])]);
      }
    },
  );
}

async function numbers(tensor: Tensor): Promise<Float32Array> {
  return (await tensor.data<'float32'>()).slice();
}

test.after(() => tf.disposeVariables());
