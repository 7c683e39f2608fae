/** One contract for language models: both kinds are opened by what their folders hold. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { languageModelFolder, writeSafetensors } from 'calm-lm/artifacts';
import { type Engine, intTensor, loadEngine, tf } from 'calm-lm/engine';
import {
  AUTOENCODER_PREFIX,
  initParameters,
  loadLanguageModel,
  openPatchModel,
  runTransformer,
  savedConfig,
  storeParameters,
  TRANSFORMER_DEFAULTS,
  tokenLogits,
  transformerTable,
} from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { drawingModel } from '../helpers/drawing-model.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('cpu');
});

const CONFIG = {
  ...TRANSFORMER_DEFAULTS,
  vocabSize: 6,
  hiddenSize: 8,
  intermediateSize: 12,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  numKeyValueHeads: 2,
};

/** config.json as Hugging Face writes it for such a model. */
const STATED = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 6,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  rms_norm_eps: 1e-6,
  hidden_act: 'silu',
  tie_word_embeddings: false,
};

/** A Llama's folder without anything of calm's. */
async function llamaFolder(folder: string, changes: object = {}): Promise<string> {
  const directory = join(folder, 'llama');
  mkdirSync(directory);
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...STATED, ...changes }));
  const parameters = initParameters(transformerTable(CONFIG), 3, 0.8);
  await writeSafetensors(join(directory, 'model.safetensors'), await storeParameters(parameters));
  return directory;
}

test('a Llama of Hugging Face opens as a language model of single tokens with a likelihood', async (t) => {
  const directory = await llamaFolder(temporaryFolder(t));
  t.is(await languageModelFolder.findIn(directory), directory);
  const model = await openPatchModel(engine, await languageModelFolder.open(directory));
  t.is(model.patchSize, 1);
  t.is(model.latents, undefined);
  const ids = intTensor(Int32Array.of(1, 2, 5), [1, 3]);
  const hidden = tf.reshape(await model.sequence.look(ids), [3, 8]);
  const found: number[][] = [];
  await model.likelihood?.eachDistribution(hidden, (_, probabilities) => found.push([...probabilities]));
  const parameters = initParameters(transformerTable(CONFIG), 3, 0.8);
  const logits = tokenLogits(parameters, runTransformer(parameters, CONFIG, ids).hidden);
  const wanted = [...(await tf.reshape(tf.softmax(logits), [-1]).data())];
  found.flat().forEach((p, i) => {
    t.true(Math.abs(p - wanted[i]) < 1e-6);
  });
  // −log p of the next tokens, on average.
  const loss = await model.likelihood?.crossEntropy(ids, intTensor(Int32Array.of(2, 5, 0)));
  const own = -(Math.log(found[0][2]) + Math.log(found[1][5]) + Math.log(found[2][0])) / 3;
  t.true(Math.abs((loss as number) - own) < 1e-5);
});

test('relatives of a Llama, and options that it does not have, are refused by name', async (t) => {
  const cases = [
    [{ model_type: 'mistral' }, /modelType[\s\S]*mistral/],
    [{ attention_bias: true }, /attentionBias/],
    [{ hidden_size: 16 }, /shape/],
  ] as const;
  for (const [changes, problem] of cases) {
    const folder = await languageModelFolder.open(await llamaFolder(temporaryFolder(t), changes));
    await t.throwsAsync(openPatchModel(engine, folder), { message: problem });
  }
  const folder = await languageModelFolder.open(await llamaFolder(temporaryFolder(t)));
  await t.throwsAsync(openPatchModel(engine, folder, { steps: 3 }), { code: 'CALM_HEAD_OPTION' });
  await t.throwsAsync(loadLanguageModel(folder), { code: 'CALM_MODEL_KIND' });
});

test('a CALM opens by the same door; its untrained twin leaves it whole', async (t) => {
  const directory = temporaryFolder(t);
  const made = drawingModel(2);
  const tokenizer = join(directory, 'any.json');
  writeFileSync(tokenizer, '{}');
  const writer = await languageModelFolder.create(join(directory, 'model'));
  await writer.write(
    { config: savedConfig(made.config), ae_config: made.autoencoder.config },
    [
      ...(await storeParameters(made.parameters)),
      ...(await storeParameters(made.autoencoder.parameters, AUTOENCODER_PREFIX)),
    ],
    tokenizer,
  );
  const model = await openPatchModel(engine, await languageModelFolder.open(join(directory, 'model')));
  t.is(model.patchSize, 2);
  t.is(model.likelihood, undefined);
  const draw = async (from: typeof model) => {
    const hidden = await from.sequence.look(intTensor(Int32Array.of(1, 2, 3, 0), [1, 4]));
    const noise = from.drawNoise(new RandomStream(1, 'noise'), 2 * 8 * from.noiseSize);
    const drawn = await from.draw(tf.reshape(hidden, [2, -1]), noise);
    return [...(await drawn.decodeAll())];
  };
  const before = await draw(model);
  const untrained = model.untrained(7);
  t.notDeepEqual(await draw(untrained), before);
  untrained.dispose();
  t.deepEqual(await draw(model), before, 'the autoencoder is still there');
});
