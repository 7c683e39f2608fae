/**
 * Fills a prompt up to a multiple of K. `left` puts `fillId` (end-of-text) before it, so that the
 * continuation follows the prompt directly and
 * every id that the model sees was trained; `right` puts padding behind it, as the reference does. An empty
 * prompt becomes one patch of filling.
 */
export function alignPrompt(
  ids: ArrayLike<number>,
  patchSize: number,
  fillId: number,
  side: 'left' | 'right' = 'left',
): Int32Array {
  const length = Math.max(patchSize, Math.ceil(ids.length / patchSize) * patchSize);
  const aligned = new Int32Array(length).fill(fillId);
  aligned.set(ids, side === 'left' ? length - ids.length : 0);
  return aligned;
}
