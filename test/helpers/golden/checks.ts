/**
 * What is computed for each kind of case. A kind is recognised by what the folder holds, never by its name or
 * sizes.
 */

import { loadTokenizer } from 'calm-lm/data';
import {
  type Engine,
  floatTensor,
  intTensor,
  readIntegers,
  type Tensor,
  type TensorMap,
  tf,
} from 'calm-lm/engine';
import { aggregateBrier, estimateBrier, type RolloutDraw } from 'calm-lm/evaluation';
import { energyLoss, energyParts, linearCrossEntropy, rotaryTable } from 'calm-lm/math';
import {
  AUTOENCODER_DEFAULTS,
  type AutoencoderConfig,
  addNoise,
  autoencoderLoss,
  autoencoderTable,
  calmLoss,
  calmTable,
  decode,
  decodeTokens,
  diffusionHead,
  embedPatches,
  encode,
  encodeByTables,
  encoderTables,
  energyHead,
  flowHead,
  hiddenStates,
  isDecayed,
  type ParameterTable,
  PatchDecoder,
  padCache,
  placesAfter,
  putInto,
  runBackbone,
  sampleEnergyHead,
  TRANSFORMER_DEFAULTS,
  transformerTable,
} from 'calm-lm/models';
import { calmSchema } from 'calm-lm/models/config';
import { alignPrompt, chooseCandidate, generate, powerOf, weighCandidates } from 'calm-lm/sampling';
import {
  ADAMW_DEFAULTS,
  adamW,
  clipByNorm,
  learningRateAt,
  type ScheduleName,
  stepScalars,
} from 'calm-lm/training';
import { checkBaseline } from './baseline.ts';
import { type GoldenCase, NOISE_FLOOR } from './case.ts';
import { compiledGradients, languageModelOf, rowsOf, trainingStepOf } from './common.ts';
import { checkDiffusionHead, checkDiffusionStep, checkFlowHead, checkFlowStep } from './heads.ts';
import { pythonFloat } from './names.ts';

/** What a check may need besides its case. */
export interface CheckOptions {
  /** A folder with the tokenizer that golden token ids are of. */
  readonly tokenizer?: string;
}

export interface CaseKind {
  readonly name: string;
  readonly matches: (golden: GoldenCase) => boolean;
  /** Why a kind can't be checked; undefined where it can. */
  readonly skip?: (options: CheckOptions) => string | undefined;
  readonly check: (golden: GoldenCase, engine: Engine, options: CheckOptions) => Promise<void>;
}

const headOf = (golden: GoldenCase) => golden.config<{ modelType?: string }>().modelType;

export const CASE_KINDS: readonly CaseKind[] = [
  {
    name: 'tokenizer',
    matches: (golden) => golden.has('encode.json'),
    skip: ({ tokenizer }) => (tokenizer ? undefined : 'give its folder: --tokenizer FOLDER'),
    check: checkTokenizer,
  },
  {
    name: 'brier aggregation',
    matches: (golden) => golden.has('cases.json') && 'per_batch' in firstOf(golden),
    check: checkAggregation,
  },
  {
    name: 'temperature',
    matches: (golden) => golden.has('cases.json') && 'rows' in firstOf(golden),
    check: checkTemperature,
  },
  { name: 'generation', matches: (golden) => golden.has('trace.json'), check: checkGeneration },
  { name: 'optimizer', matches: (golden) => golden.has('decay_membership.json'), check: checkOptimizer },
  {
    name: 'backbone with cache',
    matches: (golden) => golden.hasInput('in.inputs_embeds'),
    check: checkCache,
  },
  {
    name: 'brier',
    matches: (golden) => golden.hasInput('in.targets') && headOf(golden) === 'energy',
    check: checkBrier,
  },
  {
    name: 'discrete baseline',
    matches: (golden) => golden.hasWeight('model.embed_tokens.weight'),
    check: checkBaseline,
  },
  {
    name: 'diffusion head',
    matches: (golden) => headOf(golden) === 'diffusion' && golden.hasInput('in.target'),
    check: checkDiffusionHead,
  },
  {
    name: 'diffusion training step',
    matches: (golden) => headOf(golden) === 'diffusion' && golden.hasInput('in.labels'),
    check: checkDiffusionStep,
  },
  {
    name: 'flow head',
    matches: (golden) => headOf(golden) === 'flow' && golden.hasInput('in.target'),
    check: checkFlowHead,
  },
  {
    name: 'flow training step',
    matches: (golden) => headOf(golden) === 'flow' && golden.hasInput('in.labels'),
    check: checkFlowStep,
  },
  { name: 'autoencoder', matches: (golden) => golden.hasInput('rng.token_mask_u'), check: checkAutoencoder },
  {
    name: 'energy head',
    matches: (golden) => golden.hasInput('in.hidden') && headOf(golden) === 'energy',
    check: checkEnergyHead,
  },
  {
    name: 'energy training step',
    matches: (golden) => golden.hasInput('in.labels') && headOf(golden) === 'energy',
    check: checkTrainingStep,
  },
];

const firstOf = (golden: GoldenCase): object => golden.json<{ cases: object[] }>('cases.json').cases[0] ?? {};

// — tokenizer —

interface Encoded {
  readonly text: string;
  readonly ids: number[];
  readonly ids_special?: number[];
}

interface TokenizerMeta {
  readonly eos: number;
  readonly vocab_size_used_by_models: number;
  readonly pad_added_by_training_scripts: { readonly token: string; readonly id: number };
}

async function checkTokenizer(
  golden: GoldenCase,
  _: Engine,
  { tokenizer: folder }: CheckOptions,
): Promise<void> {
  const tokenizer = await loadTokenizer(folder as string);
  const meta = golden.json<TokenizerMeta>('meta.json');
  const pad = meta.pad_added_by_training_scripts;
  for (const [i, { text, ids, ids_special: special }] of golden.json<Encoded[]>('encode.json').entries()) {
    golden.checkEqual(`encode ${i}`, Array.from(await tokenizer.encodeAsText(text)), ids);
    golden.checkEqual(
      `encode ${i}, special tokens`,
      Array.from(await tokenizer.encode(text)),
      // The ids are tiktoken's, which does not know the token that the reference's scripts add.
      text === pad.token ? [pad.id] : (special ?? ids),
    );
  }
  for (const [i, { ids, text_replace: text }] of golden
    .json<{ ids: number[]; text_replace: string }[]>('decode.json')
    .entries())
    golden.checkEqual(`decode ${i}`, [await tokenizer.decode(ids, true)], [text]);
  golden.checkEqual(
    'end of text, vocabulary with [PAD]',
    [tokenizer.endOfTextId, tokenizer.vocabSize],
    [meta.eos, meta.vocab_size_used_by_models],
  );
}

// — autoencoder —

async function checkAutoencoder(golden: GoldenCase, engine: Engine): Promise<void> {
  const config = golden.autoencoderConfig();
  const parameters = golden.parameters(autoencoderTable(config));
  const ids = tf.reshape(golden.integers('in.input_ids'), [-1]);
  const encoded = encode(parameters, config, ids);
  await golden.check('enc.mean', encoded.mean);
  await golden.check('enc.log_std', encoded.logStd);
  const byTables = encodeByTables(parameters, config, encoderTables(parameters, config), ids);
  await golden.check('enc.mean', byTables.mean);
  await golden.check('enc.log_std', byTables.logStd);
  const latents = tf.reshape(golden.floats('in.dec_latent'), [-1, config.latentSize]);
  await golden.check('dec.logits', decode(parameters, config, latents));
  golden.checkEqual(
    'dec.argmax',
    await readIntegers(decodeTokens(parameters, config, latents)),
    golden.expected('dec.argmax').data,
  );
  await checkAutoencoderLoss(golden, engine, parameters, config, ids);
}

async function checkAutoencoderLoss(
  golden: GoldenCase,
  engine: Engine,
  parameters: TensorMap,
  config: AutoencoderConfig,
  ids: Tensor,
): Promise<void> {
  const perPatch = (name: string) => tf.reshape(golden.floats(name), [-1, config.latentSize]);
  const keep = golden.input('rng.token_mask_u').data.map((u) => Number(u > config.aeDropout));
  const tokenMask = intTensor(Int32Array.from(keep));
  golden.checkEqual('in.token_mask', await readIntegers(tokenMask), golden.input('in.token_mask').data);
  const draws = { tokenMask, noise: perPatch('rng.eps'), latentMask: perPatch('rng.latent_dropout_mask') };
  const inputs = { parameters, ids, draws };
  const { outputs: parts, gradients } = await compiledGradients(engine, inputs, (given) => ({
    ...autoencoderLoss(given.parameters, config, given.ids, given.draws),
  }));
  await golden.check('train.loss', parts.loss);
  await golden.check('train.ce', parts.crossEntropy);
  await golden.check('train.kl', parts.kl);
  const decoderInput = tf.tensor(golden.expected('train.dec_in').data, [
    keep.length / config.patchSize,
    config.latentSize,
  ]);
  await golden.check('train.logits', decode(parameters, config, decoderInput));
  await golden.checkGradients(gradients);
  const evalLogits = decode(
    parameters,
    config,
    addNoise(encode(parameters, config, ids), perPatch('rng.eval_eps')),
  );
  await golden.check('eval.logits', evalLogits);
  const identity = tf.eye(config.vocabSize);
  await golden.check('eval.loss', linearCrossEntropy(evalLogits, identity, ids));
}

// — energy head —

async function checkEnergyHead(golden: GoldenCase, engine: Engine): Promise<void> {
  const config = golden.calmConfig();
  const table = Object.fromEntries(
    Object.entries(calmTable(config, energyHead)).filter(([name]) => name.startsWith('mlp_generator.')),
  );
  const parameters = golden.parameters(table);
  const hidden = golden.floats('in.hidden');
  const noise = tf.sub(golden.floats('rng.noise_u'), 0.5);
  await golden.check('latent_predictions', sampleEnergyHead(parameters, config, hidden, noise));
  const targets = positionMajor(
    tf.add(
      golden.floats('in.mean'),
      tf.mul(golden.floats('rng.target_eps'), tf.exp(golden.floats('in.log_std'))),
    ),
  );
  const all = { ...parameters, hidden };
  const samplesOf = (given: TensorMap, z: Tensor) =>
    positionMajor(sampleEnergyHead(given, config, given.hidden, z));
  const inputs = { parameters: all, noise, targets };
  const { outputs, gradients } = await compiledGradients(engine, inputs, (given) => ({
    loss: tf.mean(energyLoss(samplesOf(given.parameters, given.noise), given.targets, config.head.beta)),
  }));
  const { hidden: gradHidden, ...gradParameters } = gradients;
  await golden.check('loss', outputs.loss);
  await golden.checkGradients(gradParameters);
  await golden.check('grad_hidden', gradHidden);
  const parts = energyParts(samplesOf(all, noise), targets, config.head.beta);
  await golden.check('distance_x', parts.diversity);
  await golden.check('distance_y', tf.div(parts.fidelity, 2));
  await golden.check('score', tf.sub(parts.diversity, parts.fidelity));
  await checkGivenSamples(golden, engine, targets, config.head.beta);
}

/** The score of given samples, for the case's own exponent and others. */
async function checkGivenSamples(
  golden: GoldenCase,
  engine: Engine,
  targets: Tensor,
  beta: number,
): Promise<void> {
  if (!golden.hasInput('in.x')) return;
  const samples = golden.floats('in.x');
  const extra = golden.json<{ extra_betas?: number[] }>('meta.json').extra_betas ?? [];
  for (const exponent of [beta, ...extra]) {
    const suffix = exponent === beta ? '' : `_beta${pythonFloat(exponent)}`;
    const { outputs, gradients } = await compiledGradients(
      engine,
      { parameters: { samples }, targets },
      (given) => ({
        loss: tf.mean(energyLoss(positionMajor(given.parameters.samples), given.targets, exponent)),
      }),
    );
    await golden.check(`given_x.loss${suffix}`, outputs.loss);
    await golden.check(`given_x.grad_x${suffix}`, gradients.samples);
  }
  await golden.check('given_x.score', tf.neg(energyLoss(positionMajor(samples), targets, beta)));
}

/** [samples, positions, size] → [positions, samples, size]. */
function positionMajor(x: Tensor): Tensor {
  return tf.transpose(x, [1, 0, 2]);
}

// — training step of the language model —

async function checkTrainingStep(golden: GoldenCase, engine: Engine): Promise<void> {
  const { config, parameters, batch } = await trainingStepOf(golden, energyHead);
  const draws = {
    noise: tf.sub(golden.floats('rng.noise_u'), 0.5),
    targetNoise: positionMajor(golden.floats('rng.target_eps')),
  };
  const inputs = { parameters, batch, draws };
  const { outputs, gradients } = await compiledGradients(engine, inputs, (given) =>
    calmLoss(given.parameters, config, energyHead, given.batch, given.draws),
  );
  await golden.check('loss', outputs.loss);
  await golden.checkGradients(gradients);
  await golden.check('patch_embeds', embedPatches(parameters, config, batch.ids));
  const hidden = hiddenStates(parameters, config, batch.ids);
  await golden.check('final_norm', hidden);
  const selected = tf.gather(hidden, batch.positions as tf.Tensor1D);
  await golden.check('selected_hidden', selected);
  await golden.check('latent_predictions', sampleEnergyHead(parameters, config, selected, draws.noise));
}

// — backbone with cache —

async function checkCache(golden: GoldenCase): Promise<void> {
  const config = golden.calmConfig();
  const parameters = golden.parameters(
    Object.fromEntries(
      Object.entries(calmTable(config, energyHead)).filter(([name]) => golden.hasWeight(name)),
    ),
  );
  const embeds = golden.floats('in.inputs_embeds');
  const [rows, patches, size] = embeds.shape as [number, number, number];
  const full = runBackbone(parameters, config, embeds);
  await golden.check('full.hidden', full.hidden);
  const rotary = rotaryTable(
    tf.range(0, patches, 1, 'float32'),
    config.hiddenSize / config.numAttentionHeads,
    config.ropeTheta,
  );
  await golden.check('rope_cos', rotary.cos);
  await golden.check('rope_sin', rotary.sin);
  let cache: TensorMap = {};
  let upTo = 0;
  const pieces: Tensor[] = [];
  for (const chunk of golden.json<{ chunks: number[] }>('meta.json').chunks) {
    const past = upTo ? { cache, length: tf.scalar(upTo) } : undefined;
    const next = runBackbone(parameters, config, tf.slice(embeds, [0, upTo, 0], [rows, chunk, size]), past);
    const capacity = upTo + chunk;
    cache = upTo
      ? putInto(padCache(cache, capacity), next.fresh, placesAfter(upTo, chunk, capacity))
      : next.fresh;
    upTo = capacity;
    pieces.push(next.hidden);
    await golden.check(`inc.hidden_upto${upTo}`, next.hidden);
  }
  await golden.check('inc.hidden', tf.concat(pieces, 1));
  for (const [name, tensor] of Object.entries(full.fresh)) await golden.check(`full.cache.${name}`, tensor);
  for (const [name, tensor] of Object.entries(cache)) await golden.check(`inc.cache.${name}`, tensor);
}

// — evaluation —

async function checkBrier(golden: GoldenCase, engine: Engine): Promise<void> {
  const decoder = new PatchDecoder(engine, languageModelOf(golden));
  const centred = (data: ArrayLike<number>) => Float32Array.from(data, (u) => u - 0.5);
  const rollouts = golden.hasInput('rng.rollout_noise_u') ? golden.input('rng.rollout_noise_u') : undefined;
  const draws = {
    accuracy: () => centred(golden.input('rng.noise_u').data),
    rollout: (wanted: readonly RolloutDraw[], step: number, size: number) => {
      const { data, shape } = rollouts as NonNullable<typeof rollouts>;
      const [, steps, samples, rows, , noiseSize] = shape;
      const noise = new Float32Array(size);
      wanted.forEach(({ row, window, sample }, i) => {
        const at = (((window * steps + step - 1) * samples + sample) * rows + row) * noiseSize;
        noise.set(centred(data.subarray(at, at + noiseSize)), i * noiseSize);
      });
      return noise;
    },
  };
  const { brier } = await estimateBrier(decoder, rowsOf(golden, 'in.input_ids'), draws, {
    targets: rowsOf(golden, 'in.targets'),
  });
  for (let n = 1; n <= brier.length; n++) await golden.check(`brier${n}`, Float32Array.of(brier[n - 1]));
  const { parameters } = decoder.model;
  const config = golden.calmConfig();
  const [rows, width] = golden.input('in.input_ids').shape;
  const ids = tf.slice(golden.integers('in.input_ids'), [0, 0], [rows, width - config.patchSize]);
  const hidden = hiddenStates(parameters, config, ids);
  await golden.check('hidden', hidden);
  const latents = sampleEnergyHead(parameters, config, hidden, tf.sub(golden.floats('rng.noise_u'), 0.5));
  await golden.check('latent_predictions', latents);
  const tokens = await readIntegers(
    decodeTokens(
      decoder.model.autoencoder.parameters,
      decoder.model.autoencoder.config,
      tf.reshape(latents, [-1, config.latentSize]),
    ),
  );
  golden.checkEqual(
    'predictions_1',
    tokens.subarray(0, tokens.length / 2),
    golden.expected('predictions_1').data,
  );
  golden.checkEqual(
    'predictions_2',
    tokens.subarray(tokens.length / 2),
    golden.expected('predictions_2').data,
  );
}

interface AggregationCase {
  readonly name: string;
  readonly per_batch: Record<string, number[]>;
  readonly expected: Record<string, number>;
}

async function checkAggregation(golden: GoldenCase): Promise<void> {
  for (const { name, per_batch: perBatch, expected } of golden.json<{ cases: AggregationCase[] }>(
    'cases.json',
  ).cases) {
    const batches = perBatch.brier1.map((_, i) => ({
      brier: [1, 2, 3, 4].map((n) => perBatch[`brier${n}`][i]),
      numWindows: 1,
    }));
    const score = aggregateBrier(batches, 'reference');
    score.brier.forEach((value, n) => {
      golden.checkNumber(`${name}: brier${n + 1}`, value, expected[`brier${n + 1}`]);
    });
    golden.checkNumber(`${name}: brierLM`, score.brierLM / 100, expected.brierLM);
  }
}

// — sampling —

interface TemperatureRow {
  readonly pool: number[][];
  readonly candidates?: number[][];
  readonly weights?: number[];
  readonly n_used?: number;
  readonly u?: number;
  readonly picked?: number[];
  readonly result?: number[];
}

interface TemperatureFile {
  readonly cases: {
    note: string;
    temperature: number;
    n: number;
    patch_size: number;
    rows: TemperatureRow[];
  }[];
  readonly validation?: { temperature: number; accepted: boolean }[];
}

async function checkTemperature(golden: GoldenCase): Promise<void> {
  const { cases, validation } = golden.json<TemperatureFile>('cases.json');
  cases.forEach(({ note, temperature, n, patch_size: patchSize, rows }, i) => {
    golden.checkEqual(`${note} ${i}: n`, [powerOf(temperature).whole], [n]);
    rows.forEach((row, j) => {
      checkTemperatureRow(golden, `${note} ${i}.${j}`, row, patchSize, n);
    });
  });
  for (const { temperature, accepted } of validation ?? [])
    golden.checkEqual(`accepts ${temperature}`, [isAccepted(temperature)], [accepted]);
}

function checkTemperatureRow(
  golden: GoldenCase,
  name: string,
  row: TemperatureRow,
  patchSize: number,
  n: number,
): void {
  const pool = Int32Array.from(row.pool.flat());
  const result = row.picked ?? row.result ?? [];
  if (n === 1) {
    golden.checkEqual(`${name}: picked`, pool.subarray(0, patchSize), result);
    return;
  }
  const { candidates, power } = weighCandidates(pool, patchSize, { whole: n, rest: 0 });
  golden.checkEqual(
    `${name}: candidates`,
    candidates.flatMap(({ patch }) => [...patch]),
    (row.candidates ?? []).flat(),
  );
  golden.checkEqual(
    `${name}: weights`,
    candidates.map(({ weight }) => weight),
    row.weights ?? [],
  );
  golden.checkEqual(`${name}: n used`, [power.whole], [row.n_used ?? Number.NaN]);
  golden.checkEqual(`${name}: picked`, chooseCandidate(candidates, row.u ?? 0).patch, result);
}

/** The reference takes 1/T = n alone; we take every T in (0, 1]. */
function isAccepted(temperature: number): boolean {
  try {
    return powerOf(temperature).rest === 0;
  } catch {
    return false;
  }
}

interface GenerationRun {
  readonly max_length: number;
  readonly temperature: number;
}

async function checkGeneration(golden: GoldenCase, engine: Engine): Promise<void> {
  const decoder = new PatchDecoder(engine, languageModelOf(golden));
  const { runs } = golden.json<{ runs: GenerationRun[] }>('meta.json');
  for (const [i, run] of runs.entries()) await checkGenerationRun(golden, decoder, `run${i}`, run);
}

/** [N·rows·K] → the candidates of one row, [N·K]. */
function candidatesOfRow(pool: Int32Array, row: number, rows: number, patchSize: number): number[] {
  return [...pool].filter((_, i) => Math.floor(i / patchSize) % rows === row);
}

async function checkGenerationRun(
  golden: GoldenCase,
  decoder: PatchDecoder,
  name: string,
  run: GenerationRun,
): Promise<void> {
  const { patchSize, padTokenId, eosTokenId } = decoder.model.config;
  const { noiseSize } = decoder;
  const padId = padTokenId as number;
  const prompts = rowsOf(golden, `in.${name}.input_ids`).map((row) =>
    alignPrompt(row, patchSize, padId, 'right'),
  );
  const rows = prompts.length;
  const noise = golden.input(`rng.${name}.noise_u`);
  const perStep = noise.data.length / noise.shape[0];
  const draws = {
    noise: (step: number) =>
      sampleMajor(noise.data.subarray(step * perStep, (step + 1) * perStep), rows, noiseSize),
    choice: (step: number, row: number) => golden.input(`rng.${name}.choice_u`).data[step * rows + row],
  };
  const options = {
    temperature: run.temperature,
    numCandidates: perStep / (rows * noiseSize),
    maxLength: run.max_length,
    padId,
    endOfTextId: eosTokenId,
  };
  const outputs = prompts.map((prompt) => [...prompt]);
  const [pools, hiddens]: [number[], number[]] = [[], []];
  for await (const { patch, hidden } of generate(decoder, prompts, options, draws)) {
    const drawn = await decoder.draw(
      floatTensor(hidden, [rows, decoder.model.config.hiddenSize]),
      draws.noise(hiddens.length / hidden.length),
    );
    const pool = await drawn.decodeAll();
    for (let row = 0; row < rows; row++) {
      outputs[row].push(...patch.subarray(row * patchSize, (row + 1) * patchSize));
      pools.push(...candidatesOfRow(pool, row, rows, patchSize));
    }
    hiddens.push(...hidden);
  }
  golden.checkEqual(`${name}.pool`, pools, golden.expected(`${name}.pool`).data);
  await golden.check(`${name}.last_hidden`, Float32Array.from(hiddens), NOISE_FLOOR.precise);
  golden.checkEqual(`${name}.output`, withoutPads(outputs, padId), golden.expected(`${name}.output`).data);
}

/** [rows, candidates, noise] in [0, 1) → [candidates, rows, noise] in [−½, ½). */
function sampleMajor(data: ArrayLike<number>, rows: number, noiseSize: number): Float32Array {
  const numCandidates = data.length / (rows * noiseSize);
  return Float32Array.from({ length: data.length }, (_, i) => {
    const [candidate, row, z] = [
      Math.floor(i / (rows * noiseSize)),
      Math.floor(i / noiseSize) % rows,
      i % noiseSize,
    ];
    return data[(row * numCandidates + candidate) * noiseSize + z] - 0.5;
  });
}

/** The reference removes every pad, wherever it stands, and pads the rows again at their ends. */
function withoutPads(rows: number[][], padId: number): number[] {
  const kept = rows.map((row) => row.filter((id) => id !== padId));
  return kept.flatMap((row) => [...row, ...new Array(rows[0].length - row.length).fill(padId)]);
}

// — optimizer —

interface OptimizerMeta {
  readonly steps: number;
  readonly decay: string[];
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly max_grad_norm: number;
  readonly lr: number;
  readonly schedules: Record<
    string,
    { scheduler: ScheduleName; num_warmup_steps: number; num_training_steps: number; lr: number[] }
  >;
}

async function checkOptimizer(golden: GoldenCase): Promise<void> {
  const meta = golden.json<OptimizerMeta>('meta.json');
  for (const name of Object.keys(meta.schedules)) await checkSchedule(golden, meta, name);
  const membership = golden.json<Record<string, Membership>>('decay_membership.json');
  for (const [model, lists] of Object.entries(membership)) checkMembership(golden, model, lists);
}

interface Membership {
  readonly decay: string[];
  readonly no_decay: string[];
}

/** Which parameters are decayed, for the models that are built: our rule over our own parameter tables. */
function checkMembership(golden: GoldenCase, model: string, { decay, no_decay: kept }: Membership): void {
  const count = (prefix: string) =>
    1 +
    Math.max(
      -1,
      ...[...decay, ...kept].map((name) =>
        Number(name.match(new RegExp(`^${prefix}\\.(\\d+)\\.`))?.[1] ?? -1),
      ),
    );
  const calm = (head: string, blocks: string) =>
    calmSchema.parse({
      numHiddenLayers: count('transformer.layers'),
      head: { name: head, numMlpLayers: count(blocks) },
    });
  const tables: Record<string, () => ParameterTable> = {
    autoencoder: () =>
      autoencoderTable({
        ...AUTOENCODER_DEFAULTS,
        numEncoderLayers: count('encoder.encoder_layers'),
        numDecoderLayers: count('decoder.decoder_layers'),
      }),
    calm_energy: () => calmTable(calm('energy', 'mlp_generator.mlp_blocks'), energyHead),
    calm_diffusion: () => calmTable(calm('diffusion', 'generative_head.net.res_blocks'), diffusionHead),
    calm_flow: () => calmTable(calm('flow', 'generative_head.net.res_blocks'), flowHead),
    ar_llama: () => transformerTable({ ...TRANSFORMER_DEFAULTS, numHiddenLayers: count('model.layers') }),
  };
  if (!tables[model]) return;
  const table = tables[model]();
  const isListed = (name: string) => name in table;
  const rule = (name: string) => isDecayed(table[name].shape);
  golden.checkEqual(
    `${model}: the parameters`,
    [...decay, ...kept].filter(isListed).sort(),
    Object.keys(table).sort(),
  );
  golden.checkEqual(
    `${model}: decayed`,
    decay.filter(isListed).map(rule),
    decay.filter(isListed).map(() => true),
  );
  golden.checkEqual(
    `${model}: not decayed`,
    kept.filter(isListed).map(rule),
    kept.filter(isListed).map(() => false),
  );
}

async function checkSchedule(golden: GoldenCase, meta: OptimizerMeta, name: string): Promise<void> {
  const { scheduler, num_warmup_steps: warmupSteps, num_training_steps: steps, lr } = meta.schedules[name];
  const options = {
    beta1: meta.betas[0],
    beta2: meta.betas[1],
    epsilon: meta.eps,
    weightDecay: meta.weight_decay,
  };
  const optimizer = adamW({ ...ADAMW_DEFAULTS, ...options }, (parameter) => meta.decay.includes(parameter));
  const names = [...golden.json<OptimizerMeta & { no_decay: string[] }>('meta.json').no_decay, ...meta.decay];
  let parameters: TensorMap = Object.fromEntries(
    names.map((parameter) => [parameter, golden.floats(`in.p0.${parameter}`)]),
  );
  let state = optimizer.init(parameters);
  const history: Record<string, number[]> = Object.fromEntries(names.map((parameter) => [parameter, []]));
  const norms: number[] = [];
  for (let step = 0; step < meta.steps; step++) {
    const rate = learningRateAt({ schedule: scheduler, learningRate: meta.lr, warmupSteps, steps }, step);
    golden.checkNumber(`${name}: rate ${step}`, rate, lr[step]);
    const gradients = Object.fromEntries(
      names.map((parameter) => [parameter, gradientAt(golden, parameter, step)]),
    );
    const { scale, norm } = clipByNorm(gradients, meta.max_grad_norm);
    const { learningRate, optimizer: scalars } = stepScalars(optimizer, rate, step + 1);
    const inputs = { parameters, state, gradients, scale, learningRate, scalars };
    ({ parameters, state } = optimizer.update(inputs));
    norms.push((await norm.data())[0]);
    for (const parameter of names) history[parameter].push(...(await parameters[parameter].data()));
  }
  const { exp_avg: first, exp_avg_sq: second } = state;
  await golden.check(`${name}.grad_norm`, Float32Array.from(norms), NOISE_FLOOR.precise);
  for (const parameter of names) {
    await golden.check(
      `${name}.params.${parameter}`,
      Float32Array.from(history[parameter]),
      NOISE_FLOOR.precise,
    );
    await golden.check(`${name}.exp_avg.${parameter}`, first[parameter], NOISE_FLOOR.precise);
    await golden.check(`${name}.exp_avg_sq.${parameter}`, second[parameter], NOISE_FLOOR.precise);
  }
}

function gradientAt(golden: GoldenCase, parameter: string, step: number): Tensor {
  const { data, shape } = golden.input(`in.grad.${parameter}`);
  const size = data.length / shape[0];
  return floatTensor(Float32Array.from(data.subarray(step * size, (step + 1) * size)), shape.slice(1));
}
