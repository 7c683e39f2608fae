import { DocumentPatches } from 'calm-lm/data';
import { notEnoughTokens } from 'calm-lm/errors';
import { heldOutPatches, measureReconstruction } from 'calm-lm/evaluation';
import type { MeasureContext } from 'calm-lm/evaluation/measures';

/** Of the autoencoder that is given, or else of the one that the model has inside. */
export async function reconstruct(context: MeasureContext<{ readonly numPatches: number }>) {
  const { autoencoder, tokens, options, engine, seed, report, pause } = context;
  report.progress({ step: 0, what: 'measuring the reconstruction' });
  const { patchSize } = autoencoder.config;
  const patches = new DocumentPatches(tokens.split('validation'), patchSize, tokens.index.padId);
  if (patches.numPatches === 0) throw notEnoughTokens('validation', 0, patchSize);
  const ids = await heldOutPatches(patches, { key: 'numPatches', count: options.numPatches }, context);
  const reconstruction = await measureReconstruction(engine, autoencoder, ids, seed, { pause });
  return { reconstruction };
}
