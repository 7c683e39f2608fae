import type { autoencoderFolder } from 'calm-lm/artifacts';
import { autoencoderTable, checkAutoencoderFolder, countParameters } from 'calm-lm/models';
import type { StageContext } from 'calm-lm/plugin';
import type { z } from 'zod';
import { tokenizerFor, warnOfUnknown } from '../importing/checks.ts';
import type { config } from './config.ts';

type Context = StageContext<
  z.infer<typeof config>,
  Record<never, never>,
  { autoencoder: typeof autoencoderFolder }
>;

export async function run({ config, outputs, report, resolvePath, pause }: Context): Promise<void> {
  const directory = resolvePath(config.path);
  const { config: model, unknown } = await checkAutoencoderFolder(directory);
  warnOfUnknown(report, directory, unknown);
  await pause();
  const tokenizer = await tokenizerFor(resolvePath(config.tokenizer ?? config.path), model);
  await outputs.autoencoder.adopt(directory, { config: model }, tokenizer.toFiles(), pause);
  const { patchSize, latentSize, vocabSize } = model;
  report.summary({ parameters: countParameters(autoencoderTable(model)), patchSize, latentSize, vocabSize });
}
