/**
 * What is said of a result that will not do, as soon as it is there. Nothing is refused: the numbers stand,
 * and so does the model. What an evaluation finds is compared with its references at the end of the run.
 */

interface Warns {
  warn(message: string): void;
}

/**
 * Reconstruction accuracy below which a language model on the autoencoder is hardly worth its training. Ours;
 * the paper's autoencoders reconstruct more than 99.9 % of the tokens (§2).
 */
export const LEAST_TOKEN_ACCURACY = 0.99;

/**
 * @param tokenAccuracy share of the held-out tokens that come back right from the mean of the posterior;
 * undefined where it was not measured
 */
export function warnOfReconstruction(report: Warns, tokenAccuracy: number | undefined): void {
  if (tokenAccuracy === undefined || tokenAccuracy >= LEAST_TOKEN_ACCURACY) return;
  report.warn(
    Number.isFinite(tokenAccuracy)
      ? `reconstruction accuracy is ${shareBelow(tokenAccuracy)}: a language model on this autoencoder ` +
          `can be no better; train it longer, or give it a larger latentSize (the paper’s have > 99.9 %)`
      : 'reconstruction accuracy is no number: the autoencoder is of no use; lower its learningRate',
  );
}

/** In percent, rounded down, so that it never reads as the threshold that it misses. */
function shareBelow(share: number): string {
  return `${(Math.floor(share * 1000 + 1e-9) / 10).toFixed(1)} %`;
}

/** @param measured last held-out values by their names; those of losses must be finite */
export function warnOfLoss(report: Warns, measured: Readonly<Record<string, number>>): void {
  const broken = Object.entries(measured).find(
    ([name, value]) => /loss$/i.test(name) && !Number.isFinite(value),
  );
  if (broken)
    report.warn(`${broken[0]} is ${broken[1]}: the model is of no use; train it with a lower learningRate`);
}
