/** What a checkpoint keeps, when one is due, and how training is taken up from it. */

import { createHash } from 'node:crypto';
import type { Checkpoint, CheckpointStore } from '../artifacts/index.ts';
import { ALONE, type Cluster } from '../cluster/index.ts';
import { disposeTree, floatTensor, readFloats, type TensorMap, type tf } from '../engine/index.ts';
import { CalmError, optimizerState, weightsDiffer } from '../errors.ts';
import { storeParameters } from '../models/index.ts';
import { formatShape, sameShape } from '../shapes.ts';
import type { BadStepsState } from './bad-steps.ts';
import type { BestStep } from './best-step.ts';
import type { HeldOutState } from './held-out.ts';
import { byFirst } from './leaving.ts';
import { firstState, type Learnt, leavesOf, mapLeaves, type Optimizer } from './optimizers/optimizer.ts';
import type { TrainingReport } from './report.ts';
import type { SamplingState } from './sampling.ts';
import type { LogState } from './training-log.ts';

/** What a checkpoint keeps besides tensors. */
export interface TrainerState extends LogState, BadStepsState, HeldOutState, SamplingState {}

/** Where training begins. */
export interface Beginning {
  readonly step: number;
  readonly learnt: Learnt;
  /** Undefined before the first step. */
  readonly state: TrainerState | undefined;
}

/** What training ends with. */
export interface Chosen {
  /** The trained parameters; the caller frees them. */
  readonly parameters: TensorMap;
  /** The step whose parameters these are, where they are the best by `bestMetric`. */
  readonly best?: BestStep;
}

export interface CheckpointingOptions {
  readonly checkpoints: CheckpointStore<TrainerState>;
  /** A checkpoint is due every so many steps, */
  readonly checkpointEvery: number;
  /** and when so much time has passed since the last; 0 for never. */
  readonly checkpointMinutes: number;
  readonly report: Pick<TrainingReport, 'note' | 'warn' | 'rewind'>;
  /** The first rank reads and writes for all. */
  readonly cluster?: Cluster;
}

export class Checkpointing {
  readonly #options: CheckpointingOptions;
  #savedMs = performance.now();
  #savedStep: number | undefined;

  constructor(options: CheckpointingOptions) {
    this.#options = options;
  }

  /** The newest whole checkpoint, or the first values: on all ranks those of the first. Takes the parameters over. */
  async begin(optimizer: Optimizer, parameters: TensorMap): Promise<Beginning> {
    const { cluster = ALONE } = this.#options;
    if (cluster.size === 1) return this.#read(optimizer, parameters);
    const own = cluster.rank === 0 ? await this.#read(optimizer, parameters) : firstOf(optimizer, parameters);
    const { step, state } = await cluster.broadcast({ step: own.step, state: own.state });
    const learnt = await sharedLearnt(own.learnt, cluster);
    this.#savedStep = step > 0 ? step : undefined;
    return { step, learnt, state };
  }

  async #read(optimizer: Optimizer, parameters: TensorMap): Promise<Beginning> {
    const { checkpoints, report } = this.#options;
    const saved = await checkpoints.latest((problem) =>
      report.warn(`a checkpoint is damaged (${problem}); the one before it is taken`),
    );
    report.rewind(saved?.step ?? 0, saved?.state.numLines);
    const first = firstOf(optimizer, parameters);
    if (!saved) return first;
    report.note(`resuming from the checkpoint at step ${saved.step}`);
    this.#savedStep = saved.step > 0 ? saved.step : undefined;
    disposeTree(first.learnt);
    return { step: saved.step, learnt: readLearnt(first.learnt, saved), state: saved.state };
  }

  isSaved(step: number): boolean {
    return this.#savedStep === step;
  }

  isDue(step: number, best: BestStep | undefined): boolean {
    const { checkpointEvery, checkpointMinutes } = this.#options;
    const isTime = checkpointMinutes > 0 && performance.now() - this.#savedMs >= 60_000 * checkpointMinutes;
    return isTime || step % checkpointEvery === 0 || best?.step === step;
  }

  async save(step: number, learnt: Learnt, state: TrainerState): Promise<void> {
    const { cluster = ALONE, checkpoints } = this.#options;
    await compareWeights(cluster, step, learnt.parameters);
    await byFirst(cluster, async () =>
      checkpoints.save(step, state, await stored(learnt), state.best ? [state.best.step] : []),
    );
    this.#savedMs = performance.now();
    this.#savedStep = step;
  }

  /**
   * The parameters of the last step, or of the best one where there is one and its checkpoint is whole.
   * Takes the last ones over.
   */
  async choose(step: number, last: TensorMap, best: BestStep | undefined): Promise<Chosen> {
    if (!best) return { parameters: last };
    const { cluster = ALONE } = this.#options;
    if (best.step === step || cluster.rank > 0) return { parameters: last, best };
    try {
      const parameters = read(last, await this.#options.checkpoints.at(best.step));
      disposeTree(last);
      return { parameters, best };
    } catch (error) {
      if (!(error instanceof CalmError)) throw error;
      this.#options.report.warn(
        `the best step, ${best.step}, is lost (${error.message}); the result is the last one`,
      );
      return { parameters: last };
    }
  }
}

function firstOf(optimizer: Optimizer, parameters: TensorMap): Beginning {
  return { step: 0, learnt: { parameters, state: firstState(optimizer, parameters) }, state: undefined };
}

async function stored({ parameters, state }: Learnt) {
  return [
    ...(await storeParameters(parameters)),
    ...(await storeParameters(Object.fromEntries(leavesOf(state)))),
  ];
}

/** The first rank's, on all; takes the given ones over. */
async function sharedLearnt({ parameters, state }: Learnt, cluster: Cluster): Promise<Learnt> {
  const whole = { parameters, state };
  const shared = new Map<string, tf.Tensor>();
  for (const [name, tensor] of leavesOf(whole)) {
    const numbers = await readFloats(tensor);
    await cluster.broadcastInto(numbers);
    shared.set(name, floatTensor(numbers, tensor.shape));
  }
  disposeTree(whole);
  return mapLeaves(whole, (_, name) => shared.get(name) as tf.Tensor);
}

/** Ranks on unlike processors may calculate unlike numbers; what they learn together is then nobody's. */
async function compareWeights(cluster: Cluster, step: number, parameters: TensorMap): Promise<void> {
  if (cluster.size === 1) return;
  const hash = createHash('sha1');
  for (const tensor of Object.values(parameters)) hash.update(await readFloats(tensor));
  const all = await cluster.gather(hash.digest('hex'));
  const other = await cluster.broadcast(all.findIndex((each) => each !== all[0]));
  if (other > 0) throw weightsDiffer(other, step);
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
