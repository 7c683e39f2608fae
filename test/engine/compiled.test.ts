import test from 'ava';
import { engineVersion, loadEngine, tf } from 'calm-lm/engine';
import { calmTable, energyHead, initParameters } from 'calm-lm/models';
import { config, type Inputs, step, trained } from '../helpers/training-step.ts';

type Outputs = ReturnType<typeof step>;

// TensorFlow where `calm engine install cpu` was run.
for (const name of ['onnx', 'node'] as const) {
  const run = name === 'onnx' || engineVersion(name) ? test.serial : test.serial.skip;
  run(
    `a compiled training step equals the eager one over 20 steps, and itself to the bit (${name})`,
    async (t) => {
      const engine = await loadEngine(name);
      const compiled = engine.compile(step as (given: Inputs) => Outputs, { donates: ['learnt'] });
      const [first, second] = [await trained(compiled, 20), await trained(compiled, 20)];
      t.deepEqual(first, second);
      const eager = await trained(
        async (inputs) => tf.tidy(() => step(inputs) as unknown as tf.TensorContainer) as unknown as Outputs,
        20,
      );
      const start = initParameters(calmTable(config, energyHead), 1, 0.1);
      for (const [parameter, values] of Object.entries(eager.parameters)) {
        const begin = await start[parameter].data();
        const [update, gap] = [
          Math.hypot(...values.map((value, i) => value - begin[i])),
          Math.hypot(...values.map((value, i) => value - first.parameters[parameter][i])),
        ];
        t.true(gap <= 1e-4 * update + 1e-9, `${parameter}: ${gap / update}`);
      }
    },
  );
}
