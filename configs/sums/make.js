// Writes all sums of two numbers from 0 to 99 as prompts and completions of fixed width, {"prompt": "72+27=",
// "completion": "099"}, into train.jsonl and test.jsonl of a folder: runs/sums-data, or the one that is named. Every
// twentieth of a shuffled order, the same one each time, is a test.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2] ?? 'runs/sums-data';

/** The minimal standard generator of Park and Miller. */
let state = 1;
const next = (bound) => {
  state = (state * 48271) % 2147483647;
  return state % bound;
};

const digits = (number, width) => String(number).padStart(width, '0');
const sums = Array.from({ length: 10_000 }, (_, i) => [Math.floor(i / 100), i % 100]);
for (let i = sums.length - 1; i > 0; i--) {
  const j = next(i + 1);
  [sums[i], sums[j]] = [sums[j], sums[i]];
}
const lines = sums.map(([a, b]) =>
  JSON.stringify({ prompt: `${digits(a, 2)}+${digits(b, 2)}=`, completion: digits(a + b, 3) }),
);
const isTest = (_, i) => i % 20 === 0;
const write = (name, chosen) => writeFileSync(join(folder, name), `${chosen.join('\n')}\n`);
mkdirSync(folder, { recursive: true });
write(
  'train.jsonl',
  lines.filter((line, i) => !isTest(line, i)),
);
write('test.jsonl', lines.filter(isTest));
