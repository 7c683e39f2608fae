/** npm run kills [-- --count 100 --seed 1 --config configs/smoke.yaml --engine onnx] */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { killAtRandom } from './kills.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    config: { type: 'string', default: 'configs/smoke.yaml' },
    engine: { type: 'string', default: 'onnx' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'calm-kills-'));
const [count, seed] = [Number(values.count), Number(values.seed)];
const { rounds, hits } = await killAtRandom({
  folder,
  config: resolve(values.config),
  engine: values.engine,
  count,
  seed,
  say: console.log,
});
rmSync(folder, { recursive: true });
console.log(
  `${[...hits].map(([stage, number]) => `${stage} ${number}`).join(', ')}\n${count} kills over ` +
    `${rounds} runs, seed ${seed}: weights, metrics and every other file bit-identical, no stray file`,
);
