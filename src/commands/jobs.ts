/**
 * `calm run --jobs`: stages that do not need one another at once, each in a process of its own, because a
 * process has one engine. The first process plans, holds the lock and speaks; a job tells it what happens.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { CalmError, jobDied, messageOf } from '../errors.ts';
import type { Jobs, PipelineEvent, Reporter, StageResult } from '../pipeline/index.ts';

/** The variable that names the stage of a job. */
const STAGE = 'CALM_JOB_STAGE';

/** The stage that this process carries out for another; undefined where it is no job. */
export function stageOfJob(): string | undefined {
  return process.channel ? process.env[STAGE] : undefined;
}

export function isJob(): boolean {
  return stageOfJob() !== undefined;
}

/** What a job tells. */
type Told =
  | { readonly event: PipelineEvent }
  | { readonly result: StageResult }
  | { readonly error: { code: string; message: string; hint: string | undefined; exitCode: number } };

/** @param argv the command's own, with which each job is started */
export function startingJobs(count: number, argv: readonly string[]): (report: Reporter) => Jobs {
  const threads = Math.max(1, Math.floor(availableParallelism() / count));
  return (report) => ({
    count,
    run: async (stage, signal) => {
      const job = fork(process.argv[1] ?? '', [...argv], {
        env: { CALM_THREADS: String(threads), ...process.env, [STAGE]: stage },
        serialization: 'advanced',
        // Ctrl-C of a terminal reaches it by way of this process.
        detached: true,
      });
      const stop = () => job.kill('SIGTERM');
      signal.addEventListener('abort', stop, { once: true });
      try {
        return await resultOf(job, stage, report);
      } catch (error) {
        report({ type: 'stage-failed', stage, error });
        throw signal.aborted ? signal.reason : error;
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
  });
}

function resultOf(job: ChildProcess, stage: string, report: Reporter): Promise<StageResult> {
  return new Promise((resolve, reject) => {
    let failure: CalmError | undefined;
    let result: StageResult | undefined;
    job.on('message', (told: Told | string) => {
      if (typeof told === 'string') return;
      if ('event' in told) report(told.event);
      else if ('result' in told) result = told.result;
      else {
        const { code, message, hint, exitCode } = told.error;
        failure = new CalmError(code, message, { exitCode, ...(hint === undefined ? {} : { hint }) });
      }
    });
    job.on('error', reject);
    job.on('exit', (code, signal) => {
      if (result) resolve(result);
      else reject(failure ?? jobDied(stage, signal ?? `code ${code}`));
    });
  });
}

/** On a job: does its work and tells how it went. */
export async function doJob(work: (report: Reporter) => Promise<StageResult>): Promise<void> {
  try {
    // That a stage has failed is told with its error.
    const result = await work((event) => {
      if (event.type !== 'stage-failed') void tell({ event });
    });
    await tell({ result });
  } catch (error) {
    const { code, hint, exitCode } =
      error instanceof CalmError ? error : { code: 'CALM_UNEXPECTED', hint: undefined, exitCode: 1 };
    await tell({ error: { code, message: messageOf(error), hint, exitCode } });
    process.exitCode = exitCode;
  }
}

function tell(told: Told): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(told, undefined, undefined, () => resolve());
  });
}
