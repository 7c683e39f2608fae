/** What a checkpoint keeps, when one is due, and how training is taken up from it. */

import type { Checkpoint, CheckpointStore } from '../artifacts/index.ts';
import { disposeTree, floatTensor, type TensorMap, type tf } from '../engine/index.ts';
import { CalmError, optimizerState } from '../errors.ts';
import { storeParameters } from '../models/index.ts';
import { formatShape, sameShape } from '../shapes.ts';
import type { BadStepsState } from './bad-steps.ts';
import type { BestStep } from './best-step.ts';
import type { HeldOutState } from './held-out.ts';
import type { MetricsState } from './metrics-window.ts';
import { firstState, type Learnt, leavesOf, mapLeaves, type Optimizer } from './optimizers/optimizer.ts';
import type { TrainingReport } from './report.ts';

/** What a checkpoint keeps besides tensors. */
export interface TrainerState extends MetricsState, BadStepsState, HeldOutState {
  readonly elapsedMs: number;
  readonly best?: BestStep;
}

/** Where training begins. */
export interface Beginning {
  readonly step: number;
  readonly learnt: Learnt;
  /** Undefined before the first step. */
  readonly state: TrainerState | undefined;
}

export interface CheckpointingOptions {
  readonly checkpoints: CheckpointStore<TrainerState>;
  /** A checkpoint is due every so many steps, */
  readonly checkpointEvery: number;
  /** and when so much time has passed since the last; 0 for never. */
  readonly checkpointMinutes: number;
}

export class Checkpointing {
  readonly #options: CheckpointingOptions;
  #savedMs = performance.now();
  #savedStep: number | undefined;

  constructor(options: CheckpointingOptions) {
    this.#options = options;
  }

  /** The newest whole checkpoint, or the first values. Takes the parameters over. */
  async begin(optimizer: Optimizer, parameters: TensorMap, report: TrainingReport): Promise<Beginning> {
    const saved = await this.#options.checkpoints.latest((problem) =>
      report.warn(`a checkpoint is damaged (${problem}); the one before it is taken`),
    );
    report.rewind(saved?.step ?? 0, saved?.state.numLines);
    const first = { parameters, state: firstState(optimizer, parameters) };
    if (!saved) return { step: 0, learnt: first, state: undefined };
    report.note(`going on from the checkpoint at step ${saved.step}`);
    this.#savedStep = saved.step > 0 ? saved.step : undefined;
    disposeTree(first);
    return { step: saved.step, learnt: readLearnt(first, saved), state: saved.state };
  }

  isSaved(step: number): boolean {
    return this.#savedStep === step;
  }

  isDue(step: number, best: BestStep | undefined): boolean {
    const { checkpointEvery, checkpointMinutes } = this.#options;
    const isTime = checkpointMinutes > 0 && performance.now() - this.#savedMs >= 60_000 * checkpointMinutes;
    return isTime || step % checkpointEvery === 0 || best?.step === step;
  }

  async save(step: number, { parameters, state: optimizer }: Learnt, state: TrainerState): Promise<void> {
    const stored = [
      ...(await storeParameters(parameters)),
      ...(await storeParameters(Object.fromEntries(leavesOf(optimizer)))),
    ];
    await this.#options.checkpoints.save(step, state, stored, state.best ? [state.best.step] : []);
    this.#savedMs = performance.now();
    this.#savedStep = step;
  }

  /** The parameters of a step that was saved; what is wrong with its checkpoint where it is not whole. */
  async parametersOf(step: number, like: TensorMap): Promise<TensorMap | string> {
    try {
      return read(like, await this.#options.checkpoints.at(step));
    } catch (error) {
      if (!(error instanceof CalmError)) throw error;
      return error.message;
    }
  }
}

function readLearnt({ parameters, state }: Learnt, saved: Checkpoint<unknown>): Learnt {
  return { parameters: read(parameters, saved), state: read(state, saved) };
}

/**
 * The tensors of a checkpoint that have the names of a tree; their shapes must be those that the tree has.
 */
function read<Tree extends Learnt['state']>(like: Tree, { step, tensors }: Checkpoint<unknown>): Tree {
  for (const [name, { shape }] of leavesOf(like)) {
    const found = tensors.get(name)?.shape;
    if (!found) throw optimizerState(step, `it has no tensor ${name}`);
    if (!sameShape(found, shape))
      throw optimizerState(step, `${name} is ${formatShape(found)}, not ${formatShape(shape)}`);
  }
  return mapLeaves(like, ({ shape }: tf.Tensor, name) =>
    floatTensor(tensors.get(name)?.data as Float32Array, shape),
  );
}
