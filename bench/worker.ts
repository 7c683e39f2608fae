/** One engine in one process: runs a block of steps whenever it is asked to, and answers with their median time. */

import { disposeTree, type EngineChoice, loadEngine } from 'calm-lm/engine';
import { OPTIMIZER_DEFAULTS, stepScalars } from 'calm-lm/training';
import { autoencoderStep, languageModelStep, type StepInputs } from './steps.ts';

const [engineName, task] = process.argv.slice(2);
const engine = await loadEngine(engineName as EngineChoice);
const step = task === 'autoencoder' ? autoencoderStep() : languageModelStep();
const run = await engine.compile((inputs: StepInputs) => step.run(inputs), {
  learnt: step.learnt,
  scalars: stepScalars(OPTIMIZER_DEFAULTS, 1e-3, 1),
  batch: step.batch,
});
let { learnt } = step;
let count = 0;

process.on('message', async (steps: number) => {
  const times: number[] = [];
  for (let i = 0; i < steps; i++) {
    const scalars = stepScalars(OPTIMIZER_DEFAULTS, 1e-3, ++count);
    const started = performance.now();
    const outputs = await run({ learnt, scalars, batch: step.batch });
    const loss = (await outputs.loss.data())[0];
    times.push(performance.now() - started);
    if (!Number.isFinite(loss)) throw new Error(`loss ${loss}`);
    disposeTree({ learnt, scalars, loss: outputs.loss });
    learnt = outputs.learnt;
  }
  times.sort((a, b) => a - b);
  process.send?.({ medianMs: times[times.length >> 1], tokens: step.tokens, peakMegabytes: process.resourceUsage().maxRSS / 1024 });
});
process.send?.('ready');
