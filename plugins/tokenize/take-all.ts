import type { ProgressFile } from 'calm-lm/artifacts';

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
