/**
 * The training loop: batches in, checkpoints and metrics out. What a step draws and reads depends on (seed,
 * step) alone, and a checkpoint holds parameters, the optimiser's state and the open metrics window, so a run
 * that is stopped at any moment and started again ends with the same bits.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { ALONE, type Cluster } from '../cluster/index.ts';
import { disposeTree, type TensorTree } from '../engine/index.ts';
import { Checkpointing } from './checkpointing.ts';
import { HeldOut } from './held-out.ts';
import { byFirst, Leaving, leaveIfAnyAsked } from './leaving.ts';
import type { TrainerOptions, TrainingResult } from './options.ts';
import type { TrainingReport } from './report.ts';
import { Sampling } from './sampling.ts';
import { Steps } from './steps.ts';
import { TrainingLog } from './training-log.ts';

/**
 * Trains from the newest checkpoint, or from the beginning, to the last step. Throws `interrupted` after
 * saving when the signal comes.
 */
export async function train<Batch extends TensorTree>(
  options: TrainerOptions<Batch>,
): Promise<TrainingResult> {
  const { schedule, signal, cluster = ALONE } = options;
  const checkpointing = new Checkpointing(options);
  const { state, ...beginning } = await checkpointing.begin(options.optimizer, options.parameters);
  let { step, learnt } = beginning;
  const steps = new Steps(options, state);
  const log = new TrainingLog(options, state);
  const heldOut = new HeldOut(options, log, state);
  const sampling = new Sampling(options, state);
  const save = async () => {
    if (checkpointing.isSaved(step)) return;
    await checkpointing.save(step, learnt, {
      ...log.state,
      ...heldOut.state,
      ...sampling.state,
      ...steps.state,
    });
  };
  const noteExchanges = watchExchanges(options);
  try {
    await heldOut.begin(step, learnt.parameters);
    await sampling.reach(step, learnt.parameters);
    while (step < schedule.steps) {
      await leaveIfAnyAsked(cluster, signal);
      const taken = await steps.take(step, learnt);
      learnt = taken.learnt;
      if (taken.hindrance) throw new Leaving(taken.hindrance);
      log.add(++step, taken);
      await heldOut.reach(step, learnt.parameters);
      await sampling.reach(step, learnt.parameters);
      const isDue = async () => step < schedule.steps && checkpointing.isDue(step, heldOut.best);
      if (await byFirst(cluster, isDue)) await save();
      await nextTurn();
    }
    // Before what is due only because this is the last step: a longer run would have saved the same here.
    await save();
    log.end(step);
    noteExchanges(step - beginning.step);
    await heldOut.end(step, learnt.parameters);
  } catch (error) {
    await steps.end();
    if (!(error instanceof Leaving)) throw error;
    await save();
    throw error.reason;
  }
  disposeTree(learnt.state);
  const { metrics, elapsedMs } = log.state;
  const chosen = await checkpointing.choose(step, learnt.parameters, heldOut.best);
  return { ...chosen, metrics, elapsedMs, numSkipped: steps.state.numSkipped };
}

/** @returns says what working together has cost this rank since then */
function watchExchanges({ report, cluster = ALONE }: Watched): (numSteps: number) => void {
  const [startedMs, before] = [performance.now(), cluster.spent];
  return (numSteps) => {
    if (cluster.size === 1 || numSteps === 0) return;
    const { waitMs, exchangeMs, sentBytes } = cluster.spent;
    const elapsedMs = performance.now() - startedMs;
    const share = (ms: number) => `${((100 * ms) / elapsedMs).toFixed(1)} %`;
    const megabytes = ((sentBytes - before.sentBytes) / numSteps / 1e6).toPrecision(3);
    report.note(
      `${cluster.size} ranks: ${share(waitMs - before.waitMs)} of the time waiting for one another, ` +
        `${share(exchangeMs - before.exchangeMs)} exchanging gradients, ${megabytes} MB sent a rank and step`,
    );
  };
}

type Watched = { readonly report: TrainingReport; readonly cluster?: Cluster };
