import { type EncodedSequence, EnergyScore, warnOfLoss } from 'calm-lm/evaluation';
import type { MeasureContext } from 'calm-lm/evaluation/measures';
import { CorpusEncoder, type LatentDraws, type PatchModel } from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';

/** The energy loss of the model's samples, and of patches drawn without a look at the context. */
export async function measureEnergy(context: MeasureContext) {
  const { engine, seed, report, pause } = context;
  report.progress({ step: 0, what: 'measuring the energy loss' });
  const model = context.model as PatchModel & { readonly latents: LatentDraws };
  const { config, autoencoder } = model.latents;
  const encoder = await CorpusEncoder.create(engine, autoencoder);
  const encoded: EncodedSequence[] = [];
  for (const ids of (await context.heldOut()).sequences) {
    await pause();
    encoded.push({ ids, latents: await encoder.encode(ids) });
  }
  const score = new EnergyScore(engine, config, encoded, seed);
  const { loss: contextFreeLoss } = await score.ofContextFree(contextFreeDraws(context, encoder), pause);
  const own = await score.ofModel(model, pause);
  encoder.dispose();
  warnOfLoss(report, { 'energy loss': own.loss });
  return { energy: { ...own, contextFreeLoss } };
}

/** Latents of patches of the training split, drawn at random. */
function contextFreeDraws({ tokens, model, seed, pause }: MeasureContext, encoder: CorpusEncoder) {
  const { patchSize } = model;
  const { latentSize } = (model.latents as LatentDraws).config;
  const train = tokens.split('train');
  const numPatches = Math.floor(train.length / patchSize);
  return async (count: number, batch: number) => {
    const stream = new RandomStream(seed, 'context-free', batch);
    const ids = new Int32Array(count * patchSize);
    for (let i = 0; i < count; i++)
      ids.set(train.read(stream.nextInteger(numPatches) * patchSize, patchSize), i * patchSize);
    await pause();
    const { mean, logStd } = await encoder.encode(ids);
    const noise = stream.normals(count * latentSize);
    return mean.map((value, i) => value + (noise[i] as number) * Math.exp(logStd[i] as number));
  };
}
