import type { autoencoderFolder, languageModelFolder, latentShards, tokenShards } from 'calm-lm/artifacts';
import type { OptionalPort, StageContext } from 'calm-lm/plugin';
import type { Config } from './config.ts';

type Inputs = {
  tokens: typeof tokenShards;
  autoencoder: typeof autoencoderFolder;
  latents: OptionalPort<typeof latentShards>;
};

/** What the stage is given. A Transformer gets the tokens alone (see `inputsFor`). */
export type Context<Own extends Config = Config> = StageContext<
  Own,
  Inputs,
  { model: typeof languageModelFolder }
>;
