import test from 'ava';
import { floatTensor, loadEngine } from 'calm-lm/engine';
import { PatchDecoder } from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { chooseCandidate, choosePatches, weighCandidates } from 'calm-lm/sampling';
import { drawingModel } from '../helpers/drawing-model.ts';

const [ROWS, CANDIDATES] = [3, 60];

for (const name of ['onnx', 'wasm'] as const) {
  test.serial(
    `patches that are decoded as far as they matter are chosen as whole ones would be (${name})`,
    async (t) => {
      const engine = await loadEngine(name);
      const model = drawingModel(4);
      const decoder = new PatchDecoder(engine, model);
      const { hiddenSize, patchSize } = model.config;
      const noiseSize = model.config.head.noiseSize as number;
      let decoded = 0;
      for (let trial = 0; trial < 12; trial++) {
        const stream = new RandomStream(trial, 'candidates');
        const hidden = floatTensor(
          stream.normals(ROWS * hiddenSize).map((x) => 3 * x),
          [ROWS, hiddenSize],
        );
        const noise = stream.uniforms(CANDIDATES * ROWS * noiseSize, -0.5);
        const uniforms = stream.uniforms(ROWS);
        const power = { whole: 1 + (trial % 4) * 6, rest: trial % 3 ? 0.4 : 0 };
        if (power.whole === 1 && power.rest === 0) power.rest = 0.7;
        const [lazy, whole] = [await decoder.draw(hidden, noise), await decoder.draw(hidden, noise)];
        const chosen = await choosePatches(lazy, ROWS, power, (row) => uniforms[row]);
        const pool = await whole.decodeAll();
        for (let row = 0; row < ROWS; row++) {
          const own = pool.filter((_, i) => Math.floor(i / patchSize) % ROWS === row);
          t.deepEqual(
            chosen[row],
            chooseCandidate(weighCandidates(own, patchSize, power).candidates, uniforms[row]).patch.slice(),
          );
        }
        decoded += lazy.tokens.filter((id) => id >= 0).length / lazy.tokens.length;
        for (const patches of [lazy, whole]) patches.dispose();
        hidden.dispose();
      }
      t.true(decoded / 12 < 0.95, `${decoded / 12} of the tokens were decoded`);
    },
  );
}
