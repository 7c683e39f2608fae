import { floatTensor } from 'calm-lm/engine';
import {
  AUTOENCODER_DEFAULTS,
  autoencoderTable,
  CALM_DEFAULTS,
  calmTable,
  energyHead,
  initParameters,
  type LanguageModel,
} from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';

export const [VOCABULARY, NOISE] = [4, 3];

/** A model of four tokens whose draws agree often enough that paths of several patches occur. */
export function drawingModel(patchSize: number): LanguageModel {
  const shared = { vocabSize: VOCABULARY, patchSize, latentSize: 3 };
  const autoencoderConfig = { ...AUTOENCODER_DEFAULTS, ...shared, hiddenSize: 8, intermediateSize: 8 };
  const config = {
    ...CALM_DEFAULTS,
    ...shared,
    hiddenSize: 8,
    intermediateSize: 8,
    numHiddenLayers: 1,
    numAttentionHeads: 2,
    numKeyValueHeads: 2,
    head: { ...CALM_DEFAULTS.head, noiseSize: NOISE, numMlpLayers: 1 },
  };
  const parameters = initParameters(calmTable(config, energyHead), 5, 0.5);
  const last = 'mlp_generator.final_layer.linears.2.weight';
  parameters[last] = floatTensor(
    new RandomStream(1, 'last').normals(24).map((x) => 0.1 * x),
    [3, 8],
  );
  return {
    config,
    head: energyHead,
    parameters,
    autoencoder: {
      config: autoencoderConfig,
      parameters: initParameters(autoencoderTable(autoencoderConfig), 3, 0.5),
    },
  };
}
