/** Continuations one after the other, shown while they are made. */

import type { Generated } from 'calm-lm';
import type { StageReport } from 'calm-lm/plugin';
import type { Sample, SampleCounts } from './samples.ts';

/** When a stage began, had its model loaded, and had its first token. */
export interface Clock {
  readonly began: number;
  loaded: number;
  firstToken?: number;
}

/** Shows one continuation as it grows. @param pieces of its text */
export async function write(
  beginning: string,
  pieces: AsyncGenerator<string, Generated, void>,
  report: Pick<StageReport, 'text'>,
): Promise<Generated> {
  report.text(beginning);
  try {
    for (;;) {
      const { done, value } = await pieces.next();
      if (done) return value;
      report.text(value);
    }
  } finally {
    report.text('\n');
  }
}

/** What stands above one of several continuations. */
export function headingOf(index: number, numSamples: number): string {
  return numSamples > 1 ? `— ${index + 1} —\n` : '';
}

/** Texts and counts of all continuations, for the run's table. */
export function summaryOf(
  samples: readonly (Sample & SampleCounts)[],
  { began, loaded, firstToken }: Clock,
): Record<string, unknown> {
  const total = (count: (sample: Sample & SampleCounts) => number | undefined) =>
    samples.reduce((sum, sample) => sum + (count(sample) ?? 0), 0);
  const counted = samples.some(({ draws }) => draws !== undefined);
  const tokensPerSecond = (1000 * total(({ tokens }) => tokens)) / (performance.now() - loaded);
  const first = firstToken === undefined ? {} : { secondsToFirstToken: (firstToken - began) / 1000 };
  return {
    samples,
    ...first,
    ...(counted
      ? { draws: total(({ draws }) => draws), fallbacks: total(({ fallbacks }) => fallbacks) }
      : {}),
    tokensPerSecond,
  };
}
