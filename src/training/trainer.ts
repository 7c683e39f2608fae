/**
 * The training loop: batches in, checkpoints and metrics out. What a step draws and reads depends on (seed,
 * step) alone, and a checkpoint holds parameters, the optimiser's state and the open metrics window, so a run
 * that is stopped at any moment and started again ends with the same bits.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { disposeTree, readFloats, type TensorTree } from '../engine/index.ts';
import { badStep, interrupted } from '../errors.ts';
import { BadSteps } from './bad-steps.ts';
import { BestStepSearch } from './best-step.ts';
import { type Beginning, Checkpointing } from './checkpointing.ts';
import { stepScalars } from './clipping.ts';
import { HeldOut } from './held-out.ts';
import { LEFT, leaveIfAsked, pause } from './leaving.ts';
import { MetricsWindow } from './metrics-window.ts';
import type { Learnt } from './optimizers/optimizer.ts';
import type { TrainerOptions, TrainingResult } from './options.ts';
import { ReadAhead } from './read-ahead.ts';
import { learningRateAt } from './schedule.ts';
import { makeStepRunner, type StepRunner } from './step-runner.ts';

/**
 * Trains from the newest checkpoint, or from the beginning, to the last step. Throws `interrupted` after
 * saving when the signal comes.
 */
export async function train<Batch extends TensorTree>(
  options: TrainerOptions<Batch>,
): Promise<TrainingResult> {
  const checkpointing = new Checkpointing(options);
  const beginning = await checkpointing.begin(options.optimizer, options.parameters, options.report);
  return new Trainer(options, checkpointing, beginning).run();
}

class Trainer<Batch extends TensorTree> {
  readonly #options: TrainerOptions<Batch>;
  readonly #checkpointing: Checkpointing;
  readonly #batches: ReadAhead<Batch>;
  readonly #runner: StepRunner;
  readonly #metrics: MetricsWindow;
  readonly #heldOut: HeldOut;
  readonly #search: BestStepSearch;
  readonly #badSteps: BadSteps;
  #learnt: Learnt;
  #step: number;
  #elapsedMs: number;

  constructor(
    options: TrainerOptions<Batch>,
    checkpointing: Checkpointing,
    { learnt, step, state }: Beginning,
  ) {
    const { schedule, accumulationSteps, evaluate, evaluateEvery, report } = options;
    const leave = () => pause(options.signal);
    const end = schedule.steps * accumulationSteps;
    [this.#options, this.#checkpointing] = [options, checkpointing];
    [this.#learnt, this.#step, this.#elapsedMs] = [learnt, step, state?.elapsedMs ?? 0];
    this.#batches = new ReadAhead((number) => options.batch(number), end);
    this.#runner = makeStepRunner({ ...partsOf(options), batches: this.#batches, pause: leave });
    this.#metrics = new MetricsWindow(report, state);
    this.#heldOut = new HeldOut(evaluate, evaluateEvery, leave, state);
    this.#search = new BestStepSearch(options.bestMetric, options.directions, state?.best);
    this.#badSteps = new BadSteps(options.onBadStep, options.spikeDeviations, report, state);
  }

  async run(): Promise<TrainingResult> {
    const { schedule, signal } = this.#options;
    try {
      await this.#checkBestMetric();
      await this.#evaluateIfDue();
      while (this.#step < schedule.steps) {
        leaveIfAsked(signal);
        await this.#advance();
        await this.#evaluateIfDue();
        if (this.#isCheckpointDue()) await this.#save();
        await nextTurn();
      }
      await this.#finish();
    } catch (error) {
      await this.#batches.drop();
      if (error !== LEFT) throw error;
      if (!this.#checkpointing.isSaved(this.#step)) await this.#save();
      throw interrupted('the same command');
    }
    return this.#result();
  }

  /** One step: gradients, clipping, the optimiser; then the log, where that is due. */
  async #advance(): Promise<void> {
    const { schedule, logEvery, report, tokensPerStep } = this.#options;
    const started = performance.now();
    const values = await this.#optimise();
    this.#step++;
    const stepMs = performance.now() - started;
    this.#elapsedMs += stepMs;
    if (values) this.#metrics.add(values);
    report.progress({
      step: this.#step,
      steps: schedule.steps,
      values: values ? { loss: values.loss } : {},
      tokensPerSecond: (1000 * tokensPerStep) / stepMs,
    });
    if (this.#step % logEvery === 0) this.#metrics.log(this.#step);
    this.#heldOut.reach(this.#step);
  }

  /** Returns the step's values; nothing where it was bad and is left out. */
  async #optimise(): Promise<Record<string, number> | undefined> {
    const { schedule, optimizer } = this.#options;
    const learningRate = learningRateAt(schedule, this.#step);
    const scalars = stepScalars(optimizer, learningRate, this.#step + 1, this.#badSteps.limits());
    const { learnt, values } = await this.#runner.run(this.#step, this.#learnt, scalars);
    this.#learnt = learnt;
    const numbers: Record<string, number> = {};
    for (const [name, tensor] of Object.entries(values)) numbers[name] = (await readFloats(tensor))[0];
    disposeTree({ scalars, values });
    const problem = this.#badSteps.problemOf(numbers);
    if (problem === undefined) return { ...numbers, learningRate };
    await this.#meetBadStep(problem);
    return undefined;
  }

  /** What was learnt is as it was before the step. It is left out, or saved before training stops. */
  async #meetBadStep(problem: string): Promise<void> {
    const { stage, accumulationSteps, describeBatch } = this.#options;
    const first = this.#step * accumulationSteps;
    const batches =
      describeBatch && Array.from({ length: accumulationSteps }, (_, micro) => describeBatch(first + micro));
    const stop = this.#badSteps.meet(this.#step + 1, problem, batches);
    if (!stop) return;
    await this.#batches.drop();
    await this.#save();
    throw badStep(stage, this.#step + 1, stop.problem, stop.numInARow);
  }

  /** A metric that is not measured is an error before the first step, not after hours. */
  async #checkBestMetric(): Promise<void> {
    if (!this.#search.isWanted || this.#step > 0) return;
    this.#search.check(await this.#heldOut.measure(this.#learnt.parameters));
  }

  /** Measures held-out values where they are due, and remembers the step that is the best so far. */
  async #evaluateIfDue(): Promise<void> {
    const measured = await this.#heldOut.measureIfDue(this.#step, this.#learnt.parameters);
    if (!measured) return;
    this.#metrics.record(this.#step, measured);
    this.#search.consider(this.#step, measured);
  }

  #isCheckpointDue(): boolean {
    const isLast = this.#step === this.#options.schedule.steps;
    return !isLast && this.#checkpointing.isDue(this.#step, this.#search.best);
  }

  async #save(): Promise<void> {
    await this.#checkpointing.save(this.#step, this.#learnt, {
      ...this.#metrics.state,
      ...this.#heldOut.state,
      ...this.#badSteps.state,
      elapsedMs: this.#elapsedMs,
      best: this.#search.best,
    });
  }

  /**
   * Saves the last step as it would be in a longer run, so that training can be continued with the same bits;
   * then the log and the held-out values that are due only because it is the last.
   */
  async #finish(): Promise<void> {
    if (!this.#checkpointing.isSaved(this.#step)) await this.#save();
    this.#metrics.log(this.#step);
    this.#heldOut.reachEnd(this.#step);
    await this.#evaluateIfDue();
  }

  async #result(): Promise<TrainingResult> {
    disposeTree(this.#learnt.state);
    return {
      ...(await this.#chosen()),
      metrics: this.#metrics.last,
      elapsedMs: this.#elapsedMs,
      numSkipped: this.#badSteps.state.numSkipped,
    };
  }

  /**
   * The parameters of the last step, or of the best one where that is asked for and its checkpoint is whole.
   */
  async #chosen(): Promise<Pick<TrainingResult, 'parameters' | 'best'>> {
    const { parameters } = this.#learnt;
    const { best } = this.#search;
    if (!best) return { parameters };
    if (best.step === this.#step) return { parameters, best };
    const chosen = await this.#checkpointing.parametersOf(best.step, parameters);
    if (typeof chosen === 'string') {
      const problem = `the best step, ${best.step}, is lost (${chosen}); the result is the last one`;
      this.#options.report.warn(problem);
      return { parameters };
    }
    disposeTree(parameters);
    return { parameters: chosen, best };
  }
}

/** What a step is carried out with. The functions stay those of the options. */
function partsOf<Batch extends TensorTree>(options: TrainerOptions<Batch>) {
  const { engine, optimizer, maxGradNorm, accumulationSteps } = options;
  const loss: typeof options.loss = (parameters, batch) => options.loss(parameters, batch);
  return { engine, optimizer, maxGradNorm, accumulationSteps, loss };
}
