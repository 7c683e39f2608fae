import { join } from 'node:path';
import { autoencoderBeside, LLAMA_TENSOR, type languageModelFolder, linkWeights } from 'calm-lm/artifacts';
import { autoencoderMissing } from 'calm-lm/errors';
import {
  AUTOENCODER_FOLDER,
  calmTable,
  checkCalmFolder,
  checkTransformerFolder,
  countParameters,
  loadHead,
  readingWeights,
  savedConfig,
  transformerTable,
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

export async function run(context: Context): Promise<void> {
  const { config, resolvePath } = context;
  const directory = resolvePath(config.path);
  const given = config.autoencoder === undefined ? undefined : resolvePath(config.autoencoder);
  const isLlama =
    given === undefined && (await readingWeights(directory, (weights) => weights.has(LLAMA_TENSOR)));
  if (isLlama) return importTransformer(context, directory);
  const autoencoder = given ?? (await autoencoderBeside(directory));
  if (autoencoder === undefined) throw autoencoderMissing(directory);
  return importCalm(context, directory, autoencoder);
}

async function importTransformer(
  { config, outputs, report, resolvePath, pause }: Context,
  directory: string,
): Promise<void> {
  const { config: model, unknown } = await checkTransformerFolder(directory);
  warnOfUnknown(report, directory, unknown);
  await pause();
  const tokenizer = await tokenizerFor(resolvePath(config.tokenizer ?? config.path), model);
  const eosTokenId = model.eosTokenId ?? tokenizer.endOfTextId;
  await outputs.model.adopt(directory, { config: { ...model, eosTokenId } }, tokenizer.toFiles(), pause);
  const parameters = countParameters(transformerTable(model));
  report.summary({ parameters, vocabSize: model.vocabSize });
}

async function importCalm(
  { config, outputs, report, resolvePath, pause }: Context,
  directory: string,
  autoencoderDirectory: string,
): Promise<void> {
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
