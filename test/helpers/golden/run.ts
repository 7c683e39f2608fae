import { type Engine, tf } from 'calm-lm/engine';
import { messageOf } from 'calm-lm/errors';
import { type Comparison, findCases, GoldenCase } from './case.ts';
import { CASE_KINDS, type CheckOptions } from './checks.ts';

export interface CaseReport {
  readonly directory: string;
  readonly kind: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** Why a case failed or was skipped. */
  readonly reason?: string;
  readonly comparisons: readonly Comparison[];
  /** Expected tensors that are not compared: intermediates that our functions do not return. */
  readonly unchecked: readonly string[];
}

/** Checks every case at or below a folder. */
export async function runGoldens(
  root: string,
  engine: Engine,
  options: CheckOptions = {},
): Promise<CaseReport[]> {
  const reports: CaseReport[] = [];
  for (const directory of findCases(root)) reports.push(await runCase(directory, engine, options));
  return reports;
}

async function runCase(directory: string, engine: Engine, options: CheckOptions): Promise<CaseReport> {
  const golden = await GoldenCase.open(directory).catch((error: unknown) => messageOf(error));
  if (typeof golden === 'string')
    return { directory, kind: 'unreadable', state: 'failed', reason: golden, comparisons: [], unchecked: [] };
  const report = { directory, comparisons: golden.comparisons };
  try {
    const kind = CASE_KINDS.find((candidate) => candidate.matches(golden));
    const skip = kind ? kind.skip?.(options) : 'no check knows this kind of case';
    if (!kind || skip)
      return {
        ...report,
        kind: kind?.name ?? 'unknown',
        state: 'skipped',
        reason: skip,
        unchecked: golden.unchecked(),
      };
    await inScope(() => kind.check(golden, engine, options));
    const misses = golden.comparisons.filter((comparison) => !comparison.isWithin);
    const reason = misses.length
      ? misses.map(({ name, deviation }) => `${name}: ${deviation.toExponential(1)}`).join(', ')
      : undefined;
    return {
      ...report,
      kind: kind.name,
      state: reason ? 'failed' : 'passed',
      reason,
      unchecked: golden.unchecked(),
    };
  } catch (error) {
    return { ...report, kind: 'unknown', state: 'failed', reason: messageOf(error), unchecked: [] };
  }
}

/** Frees every tensor that an asynchronous check has made. */
async function inScope(check: () => Promise<void> | undefined): Promise<void> {
  tf.engine().startScope();
  try {
    await check();
  } finally {
    tf.engine().endScope();
  }
}
