import { hasLikelihood, measureCrossEntropy, warnOfLoss } from 'calm-lm/evaluation';
import type { HeldOut, MeasureContext } from 'calm-lm/evaluation/measures';

export async function measurePerplexity(context: MeasureContext) {
  const { model, report, pause } = context;
  if (!hasLikelihood(model)) throw new TypeError('perplexity needs a likelihood');
  report.progress({ step: 0, what: 'measuring the perplexity' });
  const heldOut = await context.heldOut();
  const crossEntropy = await measureCrossEntropy(model, heldOut.sequences, pause);
  warnOfLoss(report, { 'cross-entropy loss': crossEntropy });
  const bytes = await perByte(context, heldOut, crossEntropy);
  return { perplexity: { crossEntropy, perplexity: Math.exp(crossEntropy), ...bytes } };
}

/**
 * Cross-entropy in bits for each byte of the text that was scored, which does not depend on the tokenizer.
 */
async function perByte({ tokenizer, pause }: MeasureContext, { sequences }: HeldOut, crossEntropy: number) {
  const decoding = await tokenizer();
  let [numBytes, numTokens] = [0, 0];
  for (const ids of sequences) {
    await pause();
    numBytes += Buffer.byteLength(await decoding.decode([...ids.subarray(1)]));
    numTokens += ids.length - 1;
  }
  return { bitsPerByte: (crossEntropy * numTokens) / Math.LN2 / numBytes, numTokens };
}
