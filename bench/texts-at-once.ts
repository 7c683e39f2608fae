/**
 * npm run bench:texts -- RUN [--temperature 0.5 --candidates 200 --sampler batch --tokens 48 --rounds 5
 * --texts 1,2,4,8,16,32]: tokens a second of so many texts that are written at once, by a model of yours,
 * alternately. Prints medians, and the median of the ratios to one text in the same round.
 */

import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type GenerateOptions, load, type Model } from '../src/library/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    temperature: { type: 'string', default: '0.5' },
    candidates: { type: 'string' },
    sampler: { type: 'string' },
    tokens: { type: 'string', default: '48' },
    rounds: { type: 'string', default: '5' },
    texts: { type: 'string', default: '1,2,4,8,16,32' },
    engine: { type: 'string' },
  },
});

const options: GenerateOptions = {
  temperature: Number(values.temperature),
  maxTokens: Number(values.tokens),
  ...(values.candidates ? { numCandidates: Number(values.candidates) } : {}),
  ...(values.sampler ? { sampler: values.sampler as 'batch' | 'exact' } : {}),
};

/** Tokens a second of so many texts. */
async function speed(model: Model, texts: number): Promise<number> {
  const began = performance.now();
  const tokens = await Promise.all(Array.from({ length: texts }, (_, index) => write(model, index)));
  return (1000 * tokens.reduce((sum, count) => sum + count)) / (performance.now() - began);
}

async function write(model: Model, index: number): Promise<number> {
  const text = model.generate('The ', { ...options, index });
  for (;;) {
    const { done, value } = await text.next();
    if (done) return value.numTokens;
  }
}

const median = (numbers: readonly number[]) =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

const model = await load(positionals[0] ?? 'runs/quickstart', { engine: values.engine });
const counts = values.texts.split(',').map(Number);
const speeds = new Map<number, number[]>(counts.map((count) => [count, []]));
// The first round makes the graphs.
for (let round = -1; round < Number(values.rounds); round++)
  for (const [count, found] of speeds) {
    const tokensPerSecond = await speed(model, count);
    if (round >= 0) found.push(tokensPerSecond);
  }
const alone = speeds.get(1) ?? [];
console.log(
  `${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.versions.node}, ${model.engine}, ` +
    `${JSON.stringify(options)}\n\n| texts at once | tokens/s | × one text |\n|---|---|---|`,
);
for (const [count, found] of speeds) {
  const ratios = found.map((speedOfMany, i) => speedOfMany / (alone[i] ?? Number.NaN));
  console.log(`| ${count} | ${Math.round(median(found))} | ${median(ratios).toFixed(2)} |`);
}
await model.dispose();
