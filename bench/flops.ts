/**
 * Floating-point operations of the training steps: matrix products only, two a multiply-add, backward twice
 * the forward.
 */

import { readSize } from './tasks.ts';

/**
 * Of a whole step, in GFLOP; undefined for tasks that do not train. The gradient of the head's noise and of
 * the ids is not needed and not counted.
 */
export function stepGigaflops(task: string, sizeName: string): number | undefined {
  const { autoencoder, calm, rows, patches, numTargets } = readSize(sizeName);
  const positions = rows * patches;
  if (task === 'autoencoder') return (3 * 2 * positions * autoencoderWeights(autoencoder)) / 1e9;
  if (task !== 'language-model') return undefined;
  const {
    hiddenSize: h,
    intermediateSize,
    numHiddenLayers,
    patchSize,
    latentSize,
    head: { noiseSize, numMlpLayers, numSamples },
  } = calm;
  const backbone =
    numHiddenLayers * (4 * h * h + 3 * h * intermediateSize + patches * h) +
    patchSize * h * 2 * h +
    2 * h * h;
  const position = h * h + numMlpLayers * h * h;
  const sample = numMlpLayers * 5 * h * h + h * h + h * latentSize;
  const energy = numSamples * numTargets * latentSize;
  return (
    (2 *
      positions *
      (3 * (backbone + position + numSamples * sample) + 2 * numSamples * noiseSize * h + 2 * energy)) /
    1e9
  );
}

/** Multiply-adds of one patch. */
function autoencoderWeights({
  hiddenSize: h,
  intermediateSize,
  patchSize,
  latentSize,
  vocabSize,
}: ReturnType<typeof readSize>['autoencoder']): number {
  const layer = 3 * h * intermediateSize;
  return patchSize * (2 * layer + vocabSize * h) + 2 * layer + 2 * patchSize * h * h + 3 * latentSize * h;
}
