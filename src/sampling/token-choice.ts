/** Choosing tokens from a known distribution: temperature, top-k, top-p. V vocabulary. */

export interface TokenChoice {
  /**
   * T of p^(1/T). In (0, ∞) where the distribution is known, in (0, 1] from samples alone; 1 is a plain draw.
   */
  readonly temperature: number;
  /** Only the k likeliest tokens; all where absent. */
  readonly topK?: number;
  /**
   * Only the likeliest tokens that together reach this probability (Holtzman et al. 2020); all where absent.
   */
  readonly topP?: number;
}

/**
 * A distribution changed as asked, in the order that Hugging Face uses: temperature, top-k, top-p. Not
 * normalised.
 * @param probabilities [vocabulary]
 * @returns [vocabulary]
 */
export function reweigh(probabilities: Float32Array, { temperature, topK, topP }: TokenChoice): Float64Array {
  const largest = probabilities.reduce((a, b) => Math.max(a, b), 0);
  const weights = Float64Array.from(probabilities, (p) => (p / largest) ** (1 / temperature));
  if (topK === undefined && topP === undefined) return weights;
  const weightOf = (id: number) => weights[id] as number;
  const order = Array.from(weights.keys()).sort((a, b) => weightOf(b) - weightOf(a));
  const kept = order.slice(0, topK ?? order.length);
  const total = kept.reduce((sum, id) => sum + weightOf(id), 0);
  let cumulative = 0;
  const chosen = kept.filter((id) => {
    const isBefore = cumulative < (topP ?? 1) * total;
    cumulative += weightOf(id);
    return isBefore;
  });
  const result = new Float64Array(weights.length);
  for (const id of chosen) result[id] = weightOf(id);
  return result;
}
