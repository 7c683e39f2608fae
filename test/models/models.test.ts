import test from 'ava';
import { disposeTree, type Engine, intTensor, loadEngine, tf } from 'calm-lm/engine';
import {
  AUTOENCODER_DEFAULTS,
  autoencoderTable,
  CALM_DEFAULTS,
  CorpusEncoder,
  calmTable,
  countParameters,
  DistinctPatchEncoder,
  encode,
  energyHead,
  initParameters,
  type LanguageModel,
  PatchDecoder,
  type SequenceState,
} from 'calm-lm/models';
import { RandomStream } from 'calm-lm/random';
import { config as trainingConfig } from '../helpers/training-step.ts';

let engine: Engine;
test.before(async () => {
  engine = await loadEngine('wasm');
});

const autoencoderConfig = {
  ...AUTOENCODER_DEFAULTS,
  vocabSize: 30,
  hiddenSize: 12,
  intermediateSize: 20,
  numEncoderLayers: 4,
  latentSize: 5,
  patchSize: 3,
};
const config = {
  ...trainingConfig,
  patchSize: 3,
  head: { ...trainingConfig.head, numSamples: 8 },
  padTokenId: null,
};
const ids = (count: number) => {
  const stream = new RandomStream(1, 'ids');
  return Int32Array.from({ length: count }, () => stream.nextInteger(30));
};

function languageModel(): LanguageModel {
  const autoencoder = {
    config: autoencoderConfig,
    parameters: initParameters(autoencoderTable(autoencoderConfig), 1, 0.3),
  };
  return {
    config,
    head: energyHead,
    parameters: initParameters(calmTable(config, energyHead), 1, 0.3),
    autoencoder,
  };
}

test.serial('the tables of the frozen encoder give what the encoder gives', async (t) => {
  const autoencoder = {
    config: autoencoderConfig,
    parameters: initParameters(autoencoderTable(autoencoderConfig), 2, 0.3),
  };
  const encoder = await CorpusEncoder.create(engine, autoencoder);
  const byTables = await encoder.encode(ids(60));
  const plain = encode(autoencoder.parameters, autoencoderConfig, intTensor(ids(60)));
  for (const part of ['mean', 'logStd'] as const) {
    const expected = await plain[part].data();
    byTables[part].forEach((value, i) => {
      t.true(Math.abs(value - expected[i]) < 1e-5);
    });
  }
  encoder.dispose();
});

test.serial('a prompt fed in pieces gives the hidden states of one pass', async (t) => {
  const decoder = new PatchDecoder(engine, languageModel());
  const [rows, patches] = [2, 9];
  const all = intTensor(ids(rows * patches * 3), [rows, patches * 3]);
  const whole = await decoder.sequence.feed(all);
  const first = await decoder.sequence.feed(tf.slice(all, [0, 0], [rows, 12]));
  const rest = await decoder.sequence.feed(tf.slice(all, [0, 12], [rows, 15]), first.state);
  const pieces = await tf.concat([first.hidden, rest.hidden], 1).data();
  (await whole.hidden.data()).forEach((value: number, i: number) => {
    t.true(Math.abs(value - pieces[i]) < 1e-5);
  });
  for (const { hidden, state } of [whole, first, rest]) disposeTree({ hidden, cache: state.cache });
});

test.serial('a long prompt is fed in pieces, and gives the hidden states of one pass', async (t) => {
  const decoder = new PatchDecoder(engine, languageModel());
  const patches = 700;
  const all = intTensor(ids(patches * 3), [1, patches * 3]);
  const before = engine.memory().numTensors;
  const { hidden, state } = await decoder.sequence.feed(all);
  const whole = await decoder.sequence.look(all);
  t.deepEqual(hidden.shape, [1, patches, 16]);
  t.is(state.length, patches);
  const found = await hidden.data();
  (await whole.data()).forEach((value: number, i: number) => {
    t.true(Math.abs(value - found[i]) < 1e-5);
  });
  disposeTree({ hidden, whole, cache: state.cache });
  t.is(engine.memory().numTensors, before, 'nothing is left over');
});

test.serial(
  'patches fed one by one, past the room that there was at first, give the hidden states of one pass',
  async (t) => {
    const decoder = new PatchDecoder(engine, languageModel());
    const patches = 70;
    const all = intTensor(ids(patches * 3), [1, patches * 3]);
    const whole = await decoder.sequence.feed(all);
    const expected = await whole.hidden.data();
    const before = engine.memory().numTensors;
    let past: SequenceState | undefined;
    for (let i = 0; i < patches; i++) {
      const piece = tf.slice(all, [0, i * 3], [1, 3]);
      const { hidden, state } = await decoder.sequence.feed(piece, past);
      (await hidden.data()).forEach((value: number, j: number) => {
        t.true(Math.abs(value - expected[i * 16 + j]) < 1e-5);
      });
      disposeTree({ piece, hidden, ...(past ? { cache: past.cache } : {}) });
      past = state;
    }
    disposeTree((past as SequenceState).cache);
    t.is(engine.memory().numTensors, before, 'nothing is left over');
  },
);

test('sizes of the paper: the autoencoder has 75M parameters, CALM-M 371M without it', (t) => {
  const autoencoder = countParameters(autoencoderTable(AUTOENCODER_DEFAULTS));
  t.true(Math.abs(autoencoder / 75.8e6 - 1) < 0.01, `${autoencoder}`);
  const medium = countParameters(
    calmTable(
      {
        ...CALM_DEFAULTS,
        hiddenSize: 1024,
        intermediateSize: 2752,
        numHiddenLayers: 16,
        numAttentionHeads: 16,
        numKeyValueHeads: 16,
      },
      energyHead,
    ),
  );
  t.true(Math.abs(medium / 371e6 - 1) < 0.01, `${medium}`);
});

test.serial('each distinct patch is encoded once, and all get what the encoder gives', async (t) => {
  const parameters = initParameters(autoencoderTable(autoencoderConfig), 1, 0.3);
  const plain = await CorpusEncoder.create(engine, { config: autoencoderConfig, parameters });
  const distinct = new DistinctPatchEncoder(plain, 3);
  const few = Int32Array.from({ length: 300 }, (_, i) => (i * i) % 4);
  for (const part of [few.subarray(0, 150), few.subarray(150), ids(90)]) {
    const [expected, found] = [await plain.encode(part), await distinct.encode(part)];
    for (const name of ['mean', 'logStd'] as const)
      t.true(expected[name].every((value, i) => Math.abs(found[name][i] - value) < 1e-5));
  }
  t.true(distinct.numEncoded <= 4 + 30, String(distinct.numEncoded));
  plain.dispose();
  disposeTree(parameters);
});
