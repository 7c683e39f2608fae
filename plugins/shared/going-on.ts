/** What stages share that go on in the middle of a corpus. */

import type { ProgressFile } from 'calm-lm/artifacts';
import { CalmError } from 'calm-lm/errors';
import type { StageReport } from 'calm-lm/plugin';

/**
 * Opens outputs at the state that was saved, if one was. Where the files do not have what the state says, the
 * stage starts over, and says so.
 * @returns the state that is gone on from
 */
export async function goOnFrom<State>(
  progress: ProgressFile<State>,
  report: Pick<StageReport, 'warn'>,
  open: (state: State | undefined) => void | Promise<void>,
): Promise<State | undefined> {
  const saved = await progress.load();
  try {
    await open(saved);
    return saved;
  } catch (error) {
    if (!saved || !(error instanceof CalmError)) throw error;
    report.warn(`can't go on from what an earlier run left (${error.message}); starting over`);
    await open(undefined);
    return undefined;
  }
}

/** Takes what is read, piece by piece, saving whenever that is due, and where a signal ends it. */
export async function takeAll<Piece, State>(
  pieces: AsyncIterable<Piece>,
  take: (piece: Piece) => void,
  {
    progress,
    save,
    signal,
  }: {
    readonly progress: ProgressFile<State>;
    readonly save: () => Promise<void>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  try {
    for await (const piece of pieces) {
      take(piece);
      if (progress.isDue()) await save();
    }
  } catch (error) {
    if (signal.aborted) await save();
    throw error;
  }
}
