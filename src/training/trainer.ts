/**
 * The training loop: batches in, checkpoints and metrics out. What a step draws and reads depends on (seed, step) alone, and a checkpoint holds parameters,
 * moments and the open metrics window, so a run that is stopped at any moment and started again ends with the same bits.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Checkpoint, CheckpointStore, StoredTensor } from '../artifacts/index.ts';
import {
  type CompiledStep,
  disposeTree,
  type Engine,
  floatTensor,
  type LossOutputs,
  readFloats,
  type TensorMap,
  type TensorTree,
  tf,
  valueAndGradients,
} from '../engine/index.ts';
import { badStep, bestMetricUnknown, CalmError, interrupted } from '../errors.ts';
import { isDecayed, storeParameters } from '../models/index.ts';
import {
  adamW,
  clipByNorm,
  type Moments,
  mapTensors,
  type OptimizerConfig,
  type StepScalars,
  scaleIfGood,
  stepScalars,
  zeroMoments,
} from './optimizer.ts';
import { learningRateAt, type ScheduleConfig } from './schedule.ts';
import { problemOfStep, StepWatch, type WatchState } from './step-watch.ts';

/** What a stage passes on from its context; see StageReport of the plugin door. */
export interface TrainingReport {
  progress(progress: {
    step: number;
    steps: number;
    values: Record<string, number>;
    tokensPerSecond?: number;
  }): void;
  metrics(metrics: { step: number } & Record<string, number>): void;
  event(event: { step: number } & Record<string, unknown>): void;
  note(message: string): void;
  warn(message: string): void;
  rewind(step: number, numLines?: number): void;
}

/** The best step so far by a held-out metric. */
export interface BestStep {
  readonly step: number;
  readonly value: number;
}

/** What a checkpoint keeps besides tensors. */
export interface TrainerState {
  /** Sums of the metrics since the last logged step. */
  readonly window: Record<string, number>;
  readonly windowSteps: number;
  readonly elapsedMs: number;
  /** The last logged values. */
  readonly metrics: Record<string, number>;
  readonly watch: WatchState;
  readonly numSkipped: number;
  readonly best?: BestStep;
  /** Lines of metrics that were written up to here. */
  readonly numLines?: number;
  /** The step whose held-out values were measured last. */
  readonly evaluatedStep?: number;
  /** Whether the held-out values of this step are still to be measured. */
  readonly isEvaluationDue: boolean;
}

const FRESH: TrainerState = {
  window: {},
  windowSteps: 0,
  elapsedMs: 0,
  metrics: {},
  watch: { losses: [], norms: [] },
  numSkipped: 0,
  isEvaluationDue: false,
};

/** What is done with a step whose loss or gradient norm is not a number or far too large. */
export type BadStepPolicy = 'stop' | 'skip';

/** Whether lower or higher values are better. */
export type Direction = 'lower' | 'higher';

/** After so many bad steps in a row there is nothing to wait for. */
const MOST_SKIPPED_IN_A_ROW = 64;

export interface TrainerOptions<Batch extends TensorTree> {
  /** Named in errors. */
  readonly stage: string;
  readonly engine: Engine;
  /** First values; the trainer takes them over and frees them. */
  readonly parameters: TensorMap;
  readonly optimizer: OptimizerConfig;
  readonly schedule: ScheduleConfig;
  /** Micro-batches whose gradients are averaged into one step. */
  readonly accumulationSteps: number;
  readonly tokensPerStep: number;
  readonly logEvery: number;
  readonly checkpointEvery: number;
  /** A checkpoint is also due when so much time has passed since the last; 0 for never. */
  readonly checkpointMinutes: number;
  readonly evaluateEvery: number;
  /** The held-out value by which the best step is kept and taken in the end; one of `directions`. */
  readonly bestMetric?: string;
  /** Which way the held-out values are better. Those without a direction can't be the best of anything. */
  readonly directions?: Readonly<Record<string, Direction>>;
  readonly onBadStep: BadStepPolicy;
  /** See StepWatch. */
  readonly spikeDeviations: number;
  readonly checkpoints: CheckpointStore<TrainerState>;
  readonly report: TrainingReport;
  readonly signal: AbortSignal;
  /** The loss of a batch; pure. Its companions are logged. */
  loss(parameters: TensorMap, batch: Batch): LossOutputs;
  /** Micro-batch `micro` of a step, counted from 0. The trainer frees it. */
  batch(step: number, micro: number): Batch | Promise<Batch>;
  /** Where a micro-batch comes from, in words that lead back to the text: kept where a step is bad. */
  describeBatch?(step: number, micro: number): Record<string, unknown>;
  /** Values for the log, from held-out data; called every `evaluateEvery` steps and at the end. `pause` is awaited between batches, so that a signal is heard. */
  evaluate?(parameters: TensorMap, pause: () => Promise<void>): Promise<Record<string, number>>;
}

export interface TrainingResult {
  /** The trained parameters; the caller frees them. */
  readonly parameters: TensorMap;
  /** The last logged values, training and held-out. */
  readonly metrics: Record<string, number>;
  readonly elapsedMs: number;
  /** Bad steps that were left out. */
  readonly numSkipped: number;
  /** The step whose parameters these are, where they are the best by `bestMetric`. */
  readonly best?: BestStep;
}

/** Trains from the newest checkpoint, or from the beginning, to the last step. Throws `interrupted` after saving when the signal comes. */
export async function train<Batch extends TensorTree>(
  options: TrainerOptions<Batch>,
): Promise<TrainingResult> {
  const trainer = await Trainer.start(options);
  return trainer.run();
}

/** What stands before a parameter's name in a checkpoint where its moments are meant. */
const [FIRST, SECOND] = ['exp_avg.', 'exp_avg_sq.'];

type Learnt = { readonly parameters: TensorMap; readonly moments: Moments };
type FusedInputs = { readonly learnt: Learnt; readonly scalars: StepScalars; readonly batch: TensorTree };
type FusedOutputs = { readonly learnt: Learnt; readonly values: TensorMap };

/** Gradients and values of a step so far; the values' names come with the first micro-batch. */
type Sums = { readonly gradients: TensorMap; readonly values: TensorMap };
type MicroInputs = { readonly parameters: TensorMap; readonly sums: Sums; readonly batch: TensorTree };
type ApplyInputs = { readonly learnt: Learnt; readonly sums: Sums; readonly scalars: StepScalars };

/** Thrown to leave a step or an evaluation in which the signal was seen; nothing of it counts. */
const LEFT = Symbol('left by a signal');

class Trainer<Batch extends TensorTree> {
  readonly #options: TrainerOptions<Batch>;
  readonly #watch: StepWatch;
  #learnt: Learnt;
  #step: number;
  /** The open window, what was logged last, the best step: all that a checkpoint keeps besides tensors, but the watch. */
  #state: Omit<TrainerState, 'watch'>;
  #skippedInARow = 0;
  #savedMs = performance.now();
  #savedStep: number | undefined;
  #runStep: CompiledStep<FusedInputs, FusedOutputs> | undefined;
  /** A batch that was drawn while the step before it ran. */
  #ahead: { readonly step: number; readonly batch: Promise<Batch> } | undefined;
  #runMicro: CompiledStep<MicroInputs, Sums> | undefined;
  #runApply: CompiledStep<ApplyInputs, FusedOutputs> | undefined;

  private constructor(
    options: TrainerOptions<Batch>,
    learnt: Learnt,
    step: number,
    { watch, ...state }: TrainerState,
  ) {
    this.#options = options;
    this.#learnt = learnt;
    this.#step = step;
    this.#watch = new StepWatch(options.spikeDeviations, watch);
    this.#state = state;
    this.#savedStep = step > 0 ? step : undefined;
  }

  static async start<Batch extends TensorTree>(options: TrainerOptions<Batch>): Promise<Trainer<Batch>> {
    const { checkpoints, parameters, report } = options;
    const saved = await checkpoints.latest((problem) =>
      report.warn(`a checkpoint is damaged (${problem}); the one before it is taken`),
    );
    report.rewind(saved?.step ?? 0, saved?.state.numLines);
    if (!saved) return new Trainer(options, { parameters, moments: zeroMoments(parameters) }, 0, FRESH);
    report.note(`going on from the checkpoint at step ${saved.step}`);
    const read = (prefix: string) => readTensors(parameters, saved, prefix);
    const learnt = { parameters: read(''), moments: { first: read(FIRST), second: read(SECOND) } };
    disposeTree(parameters);
    return new Trainer(options, learnt, saved.step, { ...FRESH, ...saved.state });
  }

  async run(): Promise<TrainingResult> {
    const { schedule } = this.#options;
    try {
      await this.#checkBestMetric();
      await this.#evaluateIfDue();
      while (this.#step < schedule.steps) {
        this.#leaveIfAsked();
        await this.#advance();
        await this.#evaluateIfDue();
        if (this.#isCheckpointDue()) await this.#save();
        await nextTurn();
      }
      await this.#finish();
    } catch (error) {
      await this.#dropAhead();
      if (error !== LEFT) throw error;
      if (this.#savedStep !== this.#step) await this.#save();
      throw interrupted('the same command');
    }
    disposeTree(this.#learnt.moments);
    const { metrics, elapsedMs, numSkipped } = this.#state;
    return { ...(await this.#chosen()), metrics, elapsedMs, numSkipped };
  }

  /** The parameters of the last step, or of the best one where that is asked for and its checkpoint is whole. */
  async #chosen(): Promise<Pick<TrainingResult, 'parameters' | 'best'>> {
    const { parameters } = this.#learnt;
    const { best } = this.#state;
    if (!best) return { parameters };
    if (best.step === this.#step) return { parameters, best };
    try {
      const chosen = readTensors(parameters, await this.#options.checkpoints.at(best.step), '');
      disposeTree(parameters);
      return { parameters: chosen, best };
    } catch (error) {
      if (!(error instanceof CalmError)) throw error;
      this.#options.report.warn(
        `the best step, ${best.step}, is lost (${error.message}); the result is the last one`,
      );
      return { parameters };
    }
  }

  /**
   * Saves the last step as it would be in a longer run, so that training can be continued with the same bits; then
   * the log and the held-out values that are due only because it is the last.
   */
  async #finish(): Promise<void> {
    if (this.#savedStep !== this.#step) await this.#save();
    this.#log();
    const { evaluate } = this.#options;
    const isDue = evaluate !== undefined && this.#state.evaluatedStep !== this.#step;
    this.#state = { ...this.#state, isEvaluationDue: isDue };
    await this.#evaluateIfDue();
  }

  #leaveIfAsked(): void {
    if (this.#options.signal.aborted) throw LEFT;
  }

  #isCheckpointDue(): boolean {
    const { schedule, checkpointEvery, checkpointMinutes } = this.#options;
    if (this.#step === schedule.steps) return false;
    const isTime = checkpointMinutes > 0 && performance.now() - this.#savedMs >= 60_000 * checkpointMinutes;
    return isTime || this.#step % checkpointEvery === 0 || this.#state.best?.step === this.#step;
  }

  /** One step: gradients, clipping, AdamW; then the log, where that is due. */
  async #advance(): Promise<void> {
    const { schedule, evaluateEvery, evaluate, logEvery, report, tokensPerStep } = this.#options;
    const started = performance.now();
    const values = await this.#optimise();
    this.#step++;
    const stepMs = performance.now() - started;
    this.#state = { ...this.#state, elapsedMs: this.#state.elapsedMs + stepMs };
    if (values) this.#addToWindow(values);
    const shown: Record<string, number> = values ? { loss: values.loss } : {};
    report.progress({
      step: this.#step,
      steps: schedule.steps,
      values: shown,
      tokensPerSecond: (1000 * tokensPerStep) / stepMs,
    });
    if (this.#step % logEvery === 0) this.#log();
    const isEvaluationDue = evaluate !== undefined && this.#step % evaluateEvery === 0;
    this.#state = { ...this.#state, isEvaluationDue };
  }

  /** Returns the step's values; nothing where it was bad and is left out. */
  async #optimise(): Promise<Record<string, number> | undefined> {
    const { schedule, optimizer } = this.#options;
    const learningRate = learningRateAt(schedule, this.#step);
    const limits = this.#watch.limits();
    const scalars = stepScalars(optimizer, learningRate, this.#step + 1, limits);
    const { learnt, values } =
      this.#options.accumulationSteps === 1
        ? await this.#fusedStep(scalars)
        : await this.#accumulatedStep(scalars);
    const numbers: Record<string, number> = {};
    for (const [name, tensor] of Object.entries(values)) numbers[name] = (await readFloats(tensor))[0];
    disposeTree({ scalars, values });
    this.#learnt = learnt;
    const problem = problemOfStep(numbers.loss, numbers.gradNorm, limits);
    if (problem) return this.#meetBadStep(problem);
    this.#skippedInARow = 0;
    this.#watch.accept(numbers.loss, numbers.gradNorm);
    return { ...numbers, learningRate };
  }

  /** Parameters and moments are those before the step. Says where its batch came from; then skips it, or saves and stops. */
  async #meetBadStep(problem: string): Promise<undefined> {
    const { stage, onBadStep, accumulationSteps, describeBatch, report } = this.#options;
    const step = this.#step + 1;
    const batches =
      describeBatch &&
      Array.from({ length: accumulationSteps }, (_, micro) => describeBatch(this.#step, micro));
    report.event({ step, event: 'bad step', problem, done: onBadStep, ...(batches ? { batches } : {}) });
    this.#skippedInARow++;
    const isHopeless = this.#skippedInARow >= MOST_SKIPPED_IN_A_ROW;
    if (onBadStep === 'skip' && !isHopeless) {
      report.warn(`step ${step} is left out: ${problem}; events.jsonl says which batch it was`);
      this.#state = { ...this.#state, numSkipped: this.#state.numSkipped + 1 };
      return undefined;
    }
    await this.#dropAhead();
    await this.#save();
    throw badStep(stage, step, problem, isHopeless ? this.#skippedInARow : 1);
  }

  #addToWindow(values: Record<string, number>): void {
    const window = { ...this.#state.window };
    for (const [name, value] of Object.entries(values)) window[name] = (window[name] ?? 0) + value;
    this.#state = { ...this.#state, window, windowSteps: this.#state.windowSteps + 1 };
  }

  /** A metric that is not measured is an error before the first step, not after hours. */
  async #checkBestMetric(): Promise<void> {
    const { bestMetric, directions = {} } = this.#options;
    if (bestMetric === undefined || this.#step > 0) return;
    const names = Object.keys(await this.#measure()).filter((name) => Object.hasOwn(directions, name));
    if (!names.includes(bestMetric)) throw bestMetricUnknown(bestMetric, names);
  }

  async #measure(): Promise<Record<string, number>> {
    const { evaluate } = this.#options;
    if (!evaluate) return {};
    return evaluate(this.#learnt.parameters, async () => {
      await nextTurn();
      this.#leaveIfAsked();
    });
  }

  /** Measures held-out values where they are due, and remembers the step that is the best so far. */
  async #evaluateIfDue(): Promise<void> {
    const { bestMetric } = this.#options;
    if (!this.#state.isEvaluationDue) return;
    const measured = await this.#measure();
    this.#record(measured);
    this.#state = { ...this.#state, isEvaluationDue: false, evaluatedStep: this.#step };
    if (bestMetric === undefined) return;
    const value = measured[bestMetric];
    if (this.#isBest(value, bestMetric)) this.#state = { ...this.#state, best: { step: this.#step, value } };
  }

  /** What is no number is never the best; a checkpoint may still have kept such a one. */
  #isBest(value: number, metric: string): boolean {
    const { best } = this.#state;
    if (!Number.isFinite(value)) return false;
    if (!best || !Number.isFinite(best.value)) return true;
    return this.#options.directions?.[metric] === 'lower' ? value < best.value : value > best.value;
  }

  /** The whole step as one compiled function. */
  async #fusedStep(scalars: StepScalars): Promise<FusedOutputs> {
    const batch = await this.#drawn(this.#step);
    const inputs: FusedInputs = { learnt: this.#learnt, scalars, batch };
    this.#runStep ??= this.#options.engine.compile(
      (given: FusedInputs) => {
        const { outputs, gradients } = this.#gradients(given.learnt.parameters, given.batch as Batch);
        return this.#apply(given.learnt, gradients, outputs, given.scalars);
      },
      { donates: ['learnt'] },
    );
    const running = this.#runStep(inputs);
    // The next batch is asked for now: what it reads from disk is read meanwhile. What it computes is not: a running graph keeps this thread busy.
    if (this.#step + 1 < this.#options.schedule.steps) this.#drawAhead(this.#step + 1);
    try {
      return await running;
    } finally {
      disposeTree(batch);
    }
  }

  /** Whatever fails in it is thrown when the batch's turn comes. */
  #drawAhead(step: number): void {
    const draw = async () => this.#options.batch(step, 0);
    const batch = draw();
    batch.catch(() => {});
    this.#ahead = { step, batch };
  }

  /** The batch of a step, drawn ahead or now. */
  #drawn(step: number): Batch | Promise<Batch> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead?.step === step ? ahead.batch : this.#options.batch(step, 0);
  }

  /** Waits for the batch that was drawn ahead, so that nothing is read any more; its error is of no matter then. */
  async #dropAhead(): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    await ahead?.batch.then(disposeTree, () => {});
  }

  /** Gradients micro-batch by micro-batch, averaged, then applied. */
  async #accumulatedStep(scalars: StepScalars): Promise<FusedOutputs> {
    const { accumulationSteps, engine } = this.#options;
    const { parameters } = this.#learnt;
    let sums: Sums = { gradients: mapTensors(parameters, (tensor) => tf.zerosLike(tensor)), values: {} };
    for (let micro = 0; micro < accumulationSteps; micro++) {
      if (micro > 0) await this.#betweenMicroBatches(sums);
      const inputs: MicroInputs = { parameters, sums, batch: await this.#options.batch(this.#step, micro) };
      this.#runMicro ??= engine.compile((given: MicroInputs) => this.#addGradients(given));
      const grown = await this.#runMicro(inputs);
      disposeTree({ batch: inputs.batch, sums });
      sums = grown;
    }
    const inputs: ApplyInputs = { learnt: this.#learnt, sums, scalars };
    this.#runApply ??= engine.compile(
      (given: ApplyInputs) =>
        this.#apply(
          given.learnt,
          given.sums.gradients,
          mapTensors(given.sums.values, (value) => tf.clone(value)),
          given.scalars,
        ),
      { donates: ['learnt'] },
    );
    const outputs = await this.#runApply(inputs);
    disposeTree(sums);
    return outputs;
  }

  /** Hears a signal; what is summed so far is made again by the next run. */
  async #betweenMicroBatches(sums: Sums): Promise<void> {
    await nextTurn();
    if (this.#options.signal.aborted) disposeTree(sums);
    this.#leaveIfAsked();
  }

  /** Adds one micro-batch's share to the sums. */
  #addGradients({ parameters, sums, batch }: MicroInputs): Sums {
    const { outputs, gradients } = this.#gradients(parameters, batch as Batch);
    const share = (tensor: tf.Tensor, sum?: tf.Tensor) => {
      const part = tf.div(tensor, this.#options.accumulationSteps);
      return sum ? tf.add(sum, part) : part;
    };
    return {
      gradients: mapTensors(gradients, (tensor, name) => share(tensor, sums.gradients[name])),
      values: mapTensors(outputs, (tensor, name) => share(tensor, sums.values[name])),
    };
  }

  #gradients(parameters: TensorMap, batch: Batch): { outputs: TensorMap; gradients: TensorMap } {
    return valueAndGradients(() => this.#options.loss(parameters, batch), parameters);
  }

  #apply(
    { parameters, moments }: Learnt,
    gradients: TensorMap,
    outputs: TensorMap,
    scalars: StepScalars,
  ): FusedOutputs {
    const { optimizer } = this.#options;
    const { scale, norm } = clipByNorm(gradients, optimizer.maxGradNorm);
    const taken = scaleIfGood(scale, outputs.loss, norm, scalars);
    const learnt = adamW(parameters, moments, gradients, taken, scalars, optimizer, (name) =>
      isDecayed(parameters[name].shape),
    );
    return { learnt, values: { ...outputs, gradNorm: norm } };
  }

  /** The means of the window since the last log; nothing where all its steps were left out. */
  #log(): void {
    const { window, windowSteps } = this.#state;
    if (windowSteps === 0) return;
    this.#state = { ...this.#state, window: {}, windowSteps: 0 };
    this.#record(Object.fromEntries(Object.entries(window).map(([name, sum]) => [name, sum / windowSteps])));
  }

  #record(values: Record<string, number>): void {
    const numLines = (this.#state.numLines ?? 0) + 1;
    this.#state = { ...this.#state, metrics: { ...this.#state.metrics, ...values }, numLines };
    this.#options.report.metrics({ step: this.#step, ...values });
  }

  async #save(): Promise<void> {
    const { parameters, moments } = this.#learnt;
    const stored = [
      ...(await storeParameters(parameters)),
      ...(await storeParameters(moments.first, FIRST)),
      ...(await storeParameters(moments.second, SECOND)),
    ];
    const { best } = this.#state;
    await this.#options.checkpoints.save(
      this.#step,
      { ...this.#state, watch: this.#watch.state },
      stored,
      best ? [best.step] : [],
    );
    this.#savedMs = performance.now();
    this.#savedStep = this.#step;
  }
}

/** The tensors of a checkpoint that have the names and a prefix of these. */
function readTensors(like: TensorMap, { tensors }: Checkpoint<TrainerState>, prefix: string): TensorMap {
  return mapTensors(like, (_, name) => {
    const { data, shape } = tensors.get(prefix + name) as StoredTensor;
    return floatTensor(data as Float32Array, shape);
  });
}
