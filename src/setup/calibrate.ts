/**
 * How fast this machine trains: a few steps of a recipe's own stages on the beginning of the text, in a
 * temporary folder. With the FLOPs that `calm cost` counts they give a rate, and that the time of any number
 * of steps of any size.
 */

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  makePlan,
  type PipelineEvent,
  type Registry,
  type RunOptions,
  runPlan,
  temporaryFolder,
} from '../pipeline/index.ts';
import { configOf, type RecipeCost, type Stages, stageIn } from './stages.ts';

/** Of a machine with an engine. */
export interface Speed {
  /** The engine that was measured. */
  readonly engine: string | undefined;
  /** FLOPs a second of the two trainings, products and all that goes with them. */
  readonly autoencoderRate: number;
  readonly modelRate: number;
  /** Of the text with this tokenizer. */
  readonly bytesPerToken: number;
  /** Tokens of the sample, and patches of it that are different. */
  readonly sample: { readonly tokens: number; readonly patches: number };
}

/** Steps of the autoencoder. The first steps of a training compile and are left out. */
const STEPS = 16;
const FIRST_STEPS = 3;
/** Steps of the language model: about two seconds of them, so that what else runs here has its share. */
const [LEAST_STEPS, MOST_STEPS, MODEL_SECONDS] = [8, 40, 2];
/** An engine that is slower than this is known well enough by fewer steps. */
const MOST_MS = 30_000;

type Running = Pick<RunOptions, 'loadEngine' | 'version'> & { readonly signal: AbortSignal };

/**
 * Measures the stages of a recipe.
 * @param texts what they are trained on: a sample of the corpus
 * @param cost of these stages
 */
export async function calibrate(
  stages: Stages,
  texts: readonly string[],
  cost: RecipeCost,
  registry: Registry,
  { loadEngine, version, signal }: Running,
): Promise<Speed> {
  const directory = temporaryFolder();
  const watch = new Watch(cost);
  const enough = new AbortController();
  const started = performance.now();
  const timer = setInterval(() => {
    if (watch.rateOf('train-autoencoder') && performance.now() - started > MOST_MS)
      enough.abort(new Error('measured enough'));
  }, 100);
  const run = async (brief: Stages) => {
    const plan = await makePlan(configOf(brief, directory), registry);
    const options = { report: watch.report, loadEngine, version };
    await runPlan(plan, { ...options, signal: AbortSignal.any([signal, enough.signal]) });
  };
  try {
    const corpus = join(directory, 'sample.jsonl');
    await writeFile(corpus, texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
    await run(autoencoderOnly(stages, corpus));
    await run({ ...autoencoderOnly(stages, corpus), ...modelOnly(stages, watch) });
  } catch (error) {
    if (signal.aborted || !enough.signal.aborted) throw error;
  } finally {
    clearInterval(timer);
    await rm(directory, { recursive: true, force: true });
  }
  return { engine: (await loadEngine()).name, ...watch.speed() };
}

const briefly = (steps: number) => ({ steps, warmupSteps: 0, evaluateEvery: steps, logEvery: steps });

/** The autoencoder's training and what it needs, with few steps and nothing held out. */
function autoencoderOnly(stages: Stages, corpus: string): Stages {
  return {
    tokenize: {
      ...stages.tokenize,
      corpus: [{ files: corpus, format: 'json-lines' }],
      validationFraction: 0,
    },
    'train-autoencoder': { ...stages['train-autoencoder'], ...briefly(STEPS) },
  };
}

/** The language model's, with as many steps as take the time, judged by the autoencoder's. */
function modelOnly(stages: Stages, watch: Watch): Stages {
  const { bestMetric: _, ...model } = stageIn(stages, 'train-lm');
  const wanted = Math.round(MODEL_SECONDS * watch.modelStepsPerSecond);
  const steps = Math.max(LEAST_STEPS, Math.min(MOST_STEPS, wanted)) + FIRST_STEPS;
  return { 'encode-corpus': stageIn(stages, 'encode-corpus'), 'train-lm': { ...model, ...briefly(steps) } };
}

/** Listens to a run. */
class Watch {
  readonly #cost: RecipeCost;
  /** Stage → tokens a second of its steps. */
  readonly #tokens: Record<string, number[]> = {};
  readonly #metrics: Record<string, Record<string, unknown>> = {};

  constructor(cost: RecipeCost) {
    this.#cost = cost;
  }

  readonly report = (event: PipelineEvent): void => {
    if (event.type === 'stage-finished') this.#metrics[event.stage] = event.metrics;
    if (event.type === 'progress' && event.progress.tokensPerSecond !== undefined)
      (this.#tokens[event.stage] ??= []).push(event.progress.tokensPerSecond);
  };

  /** FLOPs a second of a training; undefined before its first step. */
  rateOf(stage: 'train-autoencoder' | 'train-lm'): number | undefined {
    const { flopsPerStep, tokensPerStep } = this.#cost[stage === 'train-lm' ? 'model' : 'autoencoder'];
    const tokens = this.#tokens[stage];
    return tokens && (overall(tokens) * flopsPerStep) / tokensPerStep;
  }

  get modelStepsPerSecond(): number {
    return (this.rateOf('train-autoencoder') ?? 0) / this.#cost.model.flopsPerStep;
  }

  speed(): Omit<Speed, 'engine'> {
    const autoencoderRate = this.rateOf('train-autoencoder') as number;
    const { tokenize = {}, 'encode-corpus': encode = {} } = this.#metrics;
    return {
      autoencoderRate,
      modelRate: this.rateOf('train-lm') ?? autoencoderRate,
      bytesPerToken: Number(tokenize.bytesPerToken),
      sample: { tokens: Number(tokenize.trainTokens), patches: Number(encode.encodedPatches ?? 0) },
    };
  }
}

/** The rate of all steps together but the first ones, which have as many tokens each. */
function overall(rates: readonly number[]): number {
  const settled = rates.slice(Math.min(FIRST_STEPS, rates.length - 1));
  return settled.length / settled.reduce((sum, rate) => sum + 1 / rate, 0);
}
