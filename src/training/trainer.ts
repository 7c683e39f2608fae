/**
 * The training loop: batches in, checkpoints and metrics out. What a step draws and reads depends on (seed, step) alone, and a checkpoint holds parameters,
 * moments and the open metrics window, so a run that is stopped at any moment and started again ends with the same bits.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CheckpointStore, StoredTensor } from '../artifacts/index.ts';
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
import { interrupted, notFinite } from '../errors.ts';
import { isDecayed, storeParameters } from '../models/index.ts';
import { adamW, clipByNorm, type Moments, mapTensors, type OptimizerConfig, type StepScalars, stepScalars, zeroMoments } from './optimizer.ts';
import { learningRateAt, type ScheduleConfig } from './schedule.ts';

/** What a stage passes on from its context; see StageReport of the plugin door. */
export interface TrainingReport {
  progress(progress: { step: number; steps: number; values: Record<string, number>; tokensPerSecond?: number }): void;
  metrics(metrics: { step: number } & Record<string, number>): void;
  note(message: string): void;
  rewind(step: number): void;
}

/** What a checkpoint keeps besides tensors. */
export interface TrainerState {
  /** Sums of the metrics since the last logged step. */
  readonly window: Record<string, number>;
  readonly windowSteps: number;
  readonly elapsedMs: number;
}

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
  readonly evaluateEvery: number;
  readonly checkpoints: CheckpointStore<TrainerState>;
  readonly report: TrainingReport;
  readonly signal: AbortSignal;
  /** The loss of a batch; pure. Its companions are logged. */
  loss(parameters: TensorMap, batch: Batch): LossOutputs;
  /** Micro-batch `micro` of a step, counted from 0. The trainer frees it. */
  batch(step: number, micro: number): Batch | Promise<Batch>;
  /** Values for the log, from held-out data; called every `evaluateEvery` steps and at the end. */
  evaluate?(parameters: TensorMap): Promise<Record<string, number>>;
}

export interface TrainingResult {
  /** The trained parameters; the caller frees them. */
  readonly parameters: TensorMap;
  /** The last logged values, training and held-out. */
  readonly metrics: Record<string, number>;
  readonly elapsedMs: number;
}

/** Trains from the newest checkpoint, or from the beginning, to the last step. Throws `interrupted` after saving when the signal comes. */
export async function train<Batch extends TensorTree>(options: TrainerOptions<Batch>): Promise<TrainingResult> {
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

class Trainer<Batch extends TensorTree> {
  readonly #options: TrainerOptions<Batch>;
  #learnt: Learnt;
  #step: number;
  #window: Record<string, number>;
  #windowSteps: number;
  #elapsedMs: number;
  #metrics: Record<string, number> = {};
  #runStep: CompiledStep<FusedInputs, FusedOutputs> | undefined;
  /** A batch that was drawn while the step before it ran. */
  #ahead: { readonly step: number; readonly batch: Batch | Promise<Batch> } | undefined;
  #runMicro: CompiledStep<MicroInputs, Sums> | undefined;
  #runApply: CompiledStep<ApplyInputs, FusedOutputs> | undefined;

  private constructor(options: TrainerOptions<Batch>, learnt: Learnt, step: number, state: TrainerState) {
    this.#options = options;
    this.#learnt = learnt;
    this.#step = step;
    this.#window = { ...state.window };
    this.#windowSteps = state.windowSteps;
    this.#elapsedMs = state.elapsedMs;
  }

  static async start<Batch extends TensorTree>(options: TrainerOptions<Batch>): Promise<Trainer<Batch>> {
    const saved = await options.checkpoints.latest();
    const fresh = { window: {}, windowSteps: 0, elapsedMs: 0 };
    options.report.rewind(saved?.step ?? 0);
    if (!saved) return new Trainer(options, { parameters: options.parameters, moments: zeroMoments(options.parameters) }, 0, fresh);
    options.report.note(`going on from the checkpoint at step ${saved.step}`);
    const read = (prefix: string) =>
      mapTensors(options.parameters, (_, name) => {
        const { data, shape } = saved.tensors.get(prefix + name) as StoredTensor;
        return floatTensor(data as Float32Array, shape);
      });
    const learnt = { parameters: read(''), moments: { first: read(FIRST), second: read(SECOND) } };
    disposeTree(options.parameters);
    return new Trainer(options, learnt, saved.step, saved.state);
  }

  async run(): Promise<TrainingResult> {
    const { schedule, signal, checkpointEvery } = this.#options;
    while (this.#step < schedule.steps) {
      if (signal.aborted) await this.#stop();
      await this.#advance();
      if (this.#step % checkpointEvery === 0 && this.#step < schedule.steps) await this.#save();
      await nextTurn();
    }
    disposeTree(this.#learnt.moments);
    return { parameters: this.#learnt.parameters, metrics: this.#metrics, elapsedMs: this.#elapsedMs };
  }

  /** One step: gradients, clipping, AdamW; then whatever is due to be logged. */
  async #advance(): Promise<void> {
    const { schedule, evaluateEvery, evaluate, logEvery, report, tokensPerStep } = this.#options;
    const started = performance.now();
    const values = await this.#optimise();
    this.#step++;
    const stepMs = performance.now() - started;
    this.#elapsedMs += stepMs;
    for (const [name, value] of Object.entries(values)) this.#window[name] = (this.#window[name] ?? 0) + value;
    this.#windowSteps++;
    report.progress({ step: this.#step, steps: schedule.steps, values: { loss: values.loss }, tokensPerSecond: (1000 * tokensPerStep) / stepMs });
    const isLast = this.#step === schedule.steps;
    if (this.#step % logEvery === 0 || isLast) this.#log();
    if (evaluate && (this.#step % evaluateEvery === 0 || isLast)) this.#record(await evaluate(this.#learnt.parameters));
  }

  async #optimise(): Promise<Record<string, number>> {
    const { schedule, optimizer, stage } = this.#options;
    const learningRate = learningRateAt(schedule, this.#step);
    const scalars = stepScalars(optimizer, learningRate, this.#step + 1);
    const { learnt, values } = this.#options.accumulationSteps === 1 ? await this.#fusedStep(scalars) : await this.#accumulatedStep(scalars);
    const numbers: Record<string, number> = {};
    for (const [name, tensor] of Object.entries(values)) numbers[name] = (await readFloats(tensor))[0];
    disposeTree({ scalars, values });
    this.#learnt = learnt;
    if (!Number.isFinite(numbers.loss)) {
      await this.#dropAhead();
      throw notFinite(stage, this.#step + 1);
    }
    return { ...numbers, learningRate };
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
    if (this.#step + 1 < this.#options.schedule.steps) this.#ahead = { step: this.#step + 1, batch: this.#options.batch(this.#step + 1, 0) };
    const outputs = await running;
    disposeTree(batch);
    return outputs;
  }

  /** The batch of a step, drawn ahead or now. */
  #drawn(step: number): Batch | Promise<Batch> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead?.step === step ? ahead.batch : this.#options.batch(step, 0);
  }

  async #dropAhead(): Promise<void> {
    if (this.#ahead) disposeTree(await this.#ahead.batch);
    this.#ahead = undefined;
  }

  /** Gradients micro-batch by micro-batch, averaged, then applied. */
  async #accumulatedStep(scalars: StepScalars): Promise<FusedOutputs> {
    const { accumulationSteps, engine } = this.#options;
    const { parameters } = this.#learnt;
    let sums: Sums = { gradients: mapTensors(parameters, (tensor) => tf.zerosLike(tensor)), values: {} };
    for (let micro = 0; micro < accumulationSteps; micro++) {
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

  #apply({ parameters, moments }: Learnt, gradients: TensorMap, outputs: TensorMap, scalars: StepScalars): FusedOutputs {
    const { optimizer } = this.#options;
    const { scale, norm } = clipByNorm(gradients, optimizer.maxGradNorm);
    const learnt = adamW(parameters, moments, gradients, scale, scalars, optimizer, (name) => isDecayed(parameters[name].shape));
    return { learnt, values: { ...outputs, gradNorm: norm } };
  }

  /** The means of the window since the last log. */
  #log(): void {
    this.#record(Object.fromEntries(Object.entries(this.#window).map(([name, sum]) => [name, sum / this.#windowSteps])));
    this.#window = {};
    this.#windowSteps = 0;
  }

  #record(values: Record<string, number>): void {
    this.#metrics = { ...this.#metrics, ...values };
    this.#options.report.metrics({ step: this.#step, ...values });
  }

  async #save(): Promise<void> {
    const { parameters, moments } = this.#learnt;
    const stored = [
      ...(await storeParameters(parameters)),
      ...(await storeParameters(moments.first, FIRST)),
      ...(await storeParameters(moments.second, SECOND)),
    ];
    await this.#options.checkpoints.save(this.#step, { window: this.#window, windowSteps: this.#windowSteps, elapsedMs: this.#elapsedMs }, stored);
  }

  async #stop(): Promise<never> {
    await this.#dropAhead();
    await this.#save();
    throw interrupted('the same command');
  }
}
