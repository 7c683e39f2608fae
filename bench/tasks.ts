/**
 * What is timed: whole tasks at the sizes of sizes.json, on whichever engine is loaded. The peer's are in
 * peer/worker.py, line for line.
 */

import { readFileSync } from 'node:fs';
import { camelCaseKeys } from 'calm-lm/artifacts';
import {
  disposeTree,
  type Engine,
  floatTensor,
  intTensor,
  type TensorMap,
  type TensorTree,
  tf,
  valueAndGradients,
} from 'calm-lm/engine';
import { estimateBrier } from 'calm-lm/evaluation';
import {
  type AutoencoderDraws,
  autoencoderLoss,
  autoencoderTable,
  CorpusEncoder,
  calmLoss,
  calmTable,
  type EnergyOptions,
  energyHead,
  initParameters,
  isDecayed,
  type LanguageModel,
  type ParameterTable,
  PatchDecoder,
  readHead,
} from 'calm-lm/models';
import {
  AUTOENCODER_DEFAULTS,
  type AutoencoderConfig,
  CALM_DEFAULTS,
  type CalmConfig,
  type ChosenHead,
} from 'calm-lm/models/config';
import { RandomStream } from 'calm-lm/random';
import { generate } from 'calm-lm/sampling';
import {
  applyGradients,
  firstState,
  type Learnt,
  loadOptimizer,
  type Optimizer,
  readOptimizer,
  type StepScalars,
  stepScalars,
} from 'calm-lm/training';

export const TASKS = [
  'autoencoder',
  'language-model',
  'encode-corpus',
  'brierlm',
  'sampling',
  'sampling-plain',
] as const;
/** Also by name alone: `optimizer`, the end of a training step by itself, which the peer has not. */
export type Task = (typeof TASKS)[number] | 'gemm' | 'optimizer';
const [PROMPT_PATCHES, NEW_PATCHES, CANDIDATES, ENCODE_PATCHES] = [16, 8, 200, 2048];

export interface Prepared {
  /** Tokens that one repetition works on. */
  readonly tokens: number;
  run(): Promise<unknown>;
}

interface Size {
  readonly autoencoder: AutoencoderConfig;
  readonly calm: CalmConfig<EnergyOptions & ChosenHead>;
  readonly numTargets: number;
  readonly rows: number;
  readonly patches: number;
}

/** A size as sizes.json has it. */
interface SizeInFile {
  readonly autoencoder: Record<string, never>;
  readonly calm: Record<string, never>;
  readonly num_targets: number;
  readonly rows: number;
  readonly patches: number;
}

export function readSize(name: string): Size {
  const text = readFileSync(new URL('sizes.json', import.meta.url), 'utf8');
  const sizes = JSON.parse(text) as Record<string, SizeInFile>;
  const { autoencoder, calm, num_targets, rows, patches } = sizes[name] as SizeInFile;
  return {
    autoencoder: { ...AUTOENCODER_DEFAULTS, ...camelCaseKeys(autoencoder) },
    calm: {
      ...CALM_DEFAULTS,
      ...camelCaseKeys(calm),
      head: readHead('sizes.json', 'energy', camelCaseKeys(calm)) as EnergyOptions & ChosenHead,
    },
    numTargets: num_targets,
    rows,
    patches,
  };
}

let draws = 0;
const stream = () => new RandomStream(1, 'bench', draws++);
const ids = (count: number, vocabSize: number) => {
  const source = stream();
  return Int32Array.from({ length: count }, () => 1 + source.nextInteger(vocabSize - 1));
};
const normals = (...shape: number[]) => floatTensor(stream().normals(shape.reduce((a, b) => a * b)), shape);
const uniforms = (...shape: number[]) =>
  floatTensor(
    stream().uniforms(
      shape.reduce((a, b) => a * b),
      -0.5,
    ),
    shape,
  );

/** @param optimizer of training steps: `muon`, or `muon;polynomialSteps=3` with options */
export async function prepare(
  engine: Engine,
  task: Task,
  sizeName: string,
  optimizer: string,
): Promise<Prepared> {
  const size = readSize(sizeName);
  const learner = await optimizerOf(optimizer);
  if (task === 'autoencoder') return autoencoderTask(engine, size, learner);
  if (task === 'language-model') return languageModelTask(engine, size, learner);
  if (task === 'gemm') return gemmTask(engine);
  if (task === 'optimizer') return optimizerTask(engine, size, learner);
  const autoencoder = {
    config: size.autoencoder,
    parameters: initParameters(autoencoderTable(size.autoencoder), 1, 0.02),
  };
  if (task === 'encode-corpus') {
    const encoder = await CorpusEncoder.create(engine, autoencoder);
    return {
      tokens: ENCODE_PATCHES * size.calm.patchSize,
      run: () => encoder.encode(ids(ENCODE_PATCHES * size.calm.patchSize, size.calm.vocabSize)),
    };
  }
  // As in a trained model no matrix is zero: with the head's last one at zero all samples would coincide.
  const table = Object.fromEntries(
    Object.entries(calmTable(size.calm, energyHead)).map(([name, spec]) => [
      name,
      isDecayed(spec.shape) ? { ...spec, init: 'normal' as const } : spec,
    ]),
  );
  const model = {
    config: size.calm,
    head: energyHead,
    parameters: initParameters(table, 1, 0.02),
    autoencoder,
  };
  return task === 'brierlm'
    ? brierTask(engine, size, model)
    : samplingTask(engine, size, model, task === 'sampling' ? 0.5 : 1);
}

async function optimizerOf(given: string): Promise<Optimizer> {
  const [name, ...options] = given.split(';');
  const pairs = options.map((option) => option.split('='));
  const values = pairs.map(([key, value]) => [key, Number.isNaN(Number(value)) ? value : Number(value)]);
  const choice = await readOptimizer({ name, ...Object.fromEntries(values) });
  if (choice.issues) throw new Error(`${given}: ${choice.issues.map(({ message }) => message).join('; ')}`);
  return loadOptimizer(choice.value);
}

function autoencoderTask(
  engine: Engine,
  { autoencoder: config, rows, patches }: Size,
  optimizer: Optimizer,
): Promise<Prepared> {
  const [count, { patchSize, latentSize, vocabSize, aeDropout }] = [rows * patches, config];
  const batch = () => {
    const source = stream();
    return {
      ids: intTensor(ids(count * patchSize, vocabSize)),
      tokenMask: intTensor(
        Int32Array.from({ length: count * patchSize }, () => Number(source.nextUniform() > aeDropout)),
      ),
      noise: normals(count, latentSize),
      latentMask: floatTensor(
        Float32Array.from({ length: count * latentSize }, () => Number(source.nextUniform() > aeDropout)),
        [count, latentSize],
      ),
    };
  };
  const loss = (parameters: TensorMap, given: ReturnType<typeof batch>) =>
    autoencoderLoss(parameters, config, given.ids, given as AutoencoderDraws).loss;
  return trainingTask(engine, optimizer, autoencoderTable(config), count * patchSize, batch, loss);
}

function languageModelTask(
  engine: Engine,
  { calm: config, rows, patches, numTargets }: Size,
  optimizer: Optimizer,
): Promise<Prepared> {
  const [positions, { latentSize, patchSize, vocabSize }] = [rows * patches, config];
  const { numSamples, noiseSize } = config.head;
  const targets = {
    mean: normals(positions, latentSize),
    logStd: floatTensor(new Float32Array(positions * latentSize).fill(-1), [positions, latentSize]),
  };
  const batch = () => ({
    ids: intTensor(ids(positions * patchSize, vocabSize), [rows, patches * patchSize]),
    targets: { mean: tf.clone(targets.mean), logStd: tf.clone(targets.logStd) },
    draws: {
      noise: uniforms(numSamples, positions, noiseSize),
      targetNoise: normals(positions, numTargets, latentSize),
    },
  });
  const loss = (parameters: TensorMap, given: ReturnType<typeof batch>) =>
    calmLoss(parameters, config, energyHead, given, given.draws).loss;
  return trainingTask(engine, optimizer, calmTable(config, energyHead), positions * patchSize, batch, loss);
}

/** Drawing a batch, loss, gradients, clipping and the optimiser. */
async function trainingTask<Batch extends TensorTree>(
  engine: Engine,
  optimizer: Optimizer,
  table: ParameterTable,
  tokens: number,
  makeBatch: () => Batch,
  loss: (parameters: TensorMap, batch: Batch) => tf.Tensor,
): Promise<Prepared> {
  const parameters = initParameters(table, 1, 0.02);
  const rule = { optimizer, maxGradNorm: 1 };
  let learnt: Learnt = { parameters, state: firstState(rule.optimizer, parameters) };
  type Inputs = { readonly learnt: Learnt; readonly scalars: StepScalars; readonly batch: Batch };
  const step = (given: Inputs) => {
    const { parameters: current } = given.learnt;
    const { outputs, gradients } = valueAndGradients(() => ({ loss: loss(current, given.batch) }), current);
    const applied = applyGradients(rule, given.learnt, gradients, outputs.loss, given.scalars);
    return { learnt: applied.learnt, loss: outputs.loss };
  };
  let count = 0;
  let batch = makeBatch();
  const run = engine.compile(step, { donates: ['learnt'] });
  return {
    tokens,
    async run() {
      const inputs: Inputs = { learnt, scalars: stepScalars(rule.optimizer, 1e-3, ++count), batch };
      const running = run(inputs);
      // As the trainer does: the next batch is asked for now.
      const next = makeBatch();
      const outputs = await running;
      const value = (await outputs.loss.data())[0];
      if (!Number.isFinite(value)) throw new Error(`loss ${value}`);
      disposeTree({ scalars: inputs.scalars, batch, loss: outputs.loss });
      learnt = outputs.learnt;
      batch = next;
    },
  };
}

function brierTask(engine: Engine, { rows, patches, calm }: Size, model: LanguageModel): Prepared {
  const decoder = new PatchDecoder(engine, model);
  const text = Array.from({ length: rows }, () => ids((patches + 1) * calm.patchSize, calm.vocabSize));
  const noise = (size: number) => stream().uniforms(size, -0.5);
  const tokens = rows * patches * calm.patchSize;
  return {
    tokens,
    run: () =>
      estimateBrier(decoder, text, { accuracy: noise, rollout: (_window, _step, size) => noise(size) }),
  };
}

function samplingTask(engine: Engine, { calm }: Size, model: LanguageModel, temperature: number): Prepared {
  const decoder = new PatchDecoder(engine, model);
  const prompt = ids(PROMPT_PATCHES * calm.patchSize, calm.vocabSize);
  const options = {
    temperature,
    numCandidates: CANDIDATES,
    maxLength: (PROMPT_PATCHES + NEW_PATCHES) * calm.patchSize,
    padId: 0,
    endOfTextId: null,
  };
  const source = {
    noise: (_step: number, size: number) => stream().uniforms(size, -0.5),
    choice: () => stream().nextUniform(),
  };
  return {
    tokens: NEW_PATCHES * calm.patchSize,
    async run() {
      for await (const _ of generate(decoder, [prompt], options, source));
    },
  };
}

/** Clipping and the optimiser on the gradients of a language model; how many tokens they are of is no matter. */
async function optimizerTask(engine: Engine, { calm }: Size, optimizer: Optimizer): Promise<Prepared> {
  const parameters = initParameters(calmTable(calm, energyHead), 1, 0.02);
  const gradients = Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => [name, normals(...shape)]),
  );
  const loss = tf.scalar(1);
  const rule = { optimizer, maxGradNorm: 1 };
  let learnt: Learnt = { parameters, state: firstState(optimizer, parameters) };
  type Inputs = {
    readonly learnt: Learnt;
    readonly gradients: TensorMap;
    readonly loss: tf.Tensor;
    readonly scalars: StepScalars;
  };
  const step = (given: Inputs) => ({
    learnt: applyGradients(rule, given.learnt, given.gradients, given.loss, given.scalars).learnt,
  });
  const run = engine.compile(step, { donates: ['learnt'] });
  let count = 0;
  return {
    tokens: 0,
    async run() {
      const scalars = stepScalars(optimizer, 1e-3, ++count);
      ({ learnt } = await run({ learnt, gradients, loss, scalars }));
      disposeTree(scalars);
    },
  };
}

/** The machine's limit: one product of two [2048, 2048] matrices, 17.2 GFLOP. */
async function gemmTask(engine: Engine): Promise<Prepared> {
  const inputs = { a: normals(2048, 2048), b: normals(2048, 2048) };
  const run = engine.compile(({ a, b }: typeof inputs) => ({
    c: tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
  }));
  return {
    tokens: 0,
    async run() {
      const { c } = await run(inputs);
      await c.data();
      c.dispose();
    },
  };
}
