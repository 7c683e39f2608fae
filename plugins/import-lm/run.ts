import { join } from 'node:path';
import { type languageModelFolder, linkWeights } from 'calm-lm/artifacts';
import {
  AUTOENCODER_FOLDER,
  calmTable,
  checkCalmFolder,
  countParameters,
  loadHead,
  savedConfig,
} from 'calm-lm/models';
import type { StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import { tokenizerFor, warnOfUnknown } from '../importing/checks.ts';
import type { config } from './config.ts';

type Context = StageContext<
  z.infer<typeof config>,
  Record<never, never>,
  { model: typeof languageModelFolder }
>;

export async function run({ config, outputs, report, resolvePath, pause }: Context): Promise<void> {
  const [directory, autoencoderDirectory] = [resolvePath(config.path), resolvePath(config.autoencoder)];
  const {
    config: model,
    autoencoder,
    hasAutoencoder,
    unknown,
  } = await checkCalmFolder(directory, autoencoderDirectory);
  warnOfUnknown(report, directory, unknown);
  await pause();
  const tokenizer = await tokenizerFor(resolvePath(config.tokenizer ?? config.path), model);
  const eosTokenId = model.eosTokenId ?? tokenizer.endOfTextId;
  await outputs.model.adopt(
    directory,
    { config: savedConfig({ ...model, eosTokenId }), ae_config: autoencoder },
    tokenizer.toFiles(),
    pause,
  );
  if (!hasAutoencoder)
    await linkWeights(autoencoderDirectory, join(outputs.model.directory, AUTOENCODER_FOLDER), pause);
  const parameters = countParameters(calmTable(model, await loadHead(model.head.name)));
  report.summary({
    parameters,
    head: model.head.name,
    patchSize: model.patchSize,
    latentSize: model.latentSize,
    vocabSize: model.vocabSize,
  });
}
