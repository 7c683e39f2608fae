/**
 * npm run bench:texts -- RUN [--temperature 0.5 --candidates 200 --sampler batch --tokens 48 --rounds 5
 * --texts 1,2,4,8,16,32]: tokens a second of so many texts that are written at once, by a model of yours,
 * alternately; and tokens a second of processor time, which other work on the machine changes less
 * (CALM_THREADS=1: threads that wait for each other count too). Prints medians, and the medians of the ratios to
 * one text in the same round.
 */

import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { elementAt } from '../src/elements.ts';
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

interface Speed {
  readonly perSecond: number;
  readonly perProcessorSecond: number;
}

async function speedOf(model: Model, texts: number): Promise<Speed> {
  const [began, before] = [performance.now(), process.cpuUsage()];
  const counts = await Promise.all(Array.from({ length: texts }, (_, index) => write(model, index)));
  const tokens = counts.reduce((sum, count) => sum + count);
  const { user, system } = process.cpuUsage(before);
  return {
    perSecond: (1000 * tokens) / (performance.now() - began),
    perProcessorSecond: (1e6 * tokens) / (user + system),
  };
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
const speeds = new Map<number, Speed[]>(counts.map((count) => [count, []]));
// The first round makes the graphs.
for (let round = -1; round < Number(values.rounds); round++)
  for (const [count, found] of speeds) {
    const speed = await speedOf(model, count);
    if (round >= 0) found.push(speed);
  }
const alone = elementAt([...speeds.values()], 0);
console.log(
  `${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.versions.node}, ${model.engine}, ` +
    `${JSON.stringify(options)}\n\n` +
    '| texts at once | tokens/s | × the first | tokens a processor second | × the first |\n|---|---|---|---|---|',
);
for (const [count, found] of speeds) {
  const cells = (['perSecond', 'perProcessorSecond'] as const).flatMap((kind) => [
    Math.round(median(found.map((speed) => speed[kind]))),
    median(found.map((speed, round) => speed[kind] / elementAt(alone, round)[kind])).toFixed(2),
  ]);
  console.log(`| ${[count, ...cells].join(' | ')} |`);
}
await model.dispose();
