import type { autoencoderFolder, languageModelFolder, tokenShards } from 'calm-lm/artifacts';
import { loadTokenizer } from 'calm-lm/data';
import { disposeTree, type Engine } from 'calm-lm/engine';
import { modelMismatch } from 'calm-lm/errors';
import { heldOutSequences } from 'calm-lm/evaluation';
import type { AnyMeasure, HeldOut, MeasureContext } from 'calm-lm/evaluation/measures';
import {
  type Autoencoder,
  isTransformer,
  loadAutoencoder,
  openPatchModel,
  type PatchModel,
} from 'calm-lm/models';
import type { OptionalPort, StageContext } from 'calm-lm/plugin';
import type { Config } from './config.ts';
import type { evaluation } from './evaluation.ts';
import { patchesAtOnce } from './lengths.ts';
import { checkTrainingText, chooseMeasures } from './needs.ts';
import { REFERENCE_BLOCKS } from './protocols.ts';

type Inputs = {
  tokens: typeof tokenShards;
  autoencoder: OptionalPort<typeof autoencoderFolder>;
  model: OptionalPort<typeof languageModelFolder>;
};
type Context = StageContext<Config, Inputs, { evaluation: typeof evaluation }>;

export async function run(context: Context): Promise<void> {
  const { inputs, outputs, report, config } = context;
  const isTokens = inputs.model && (await isTransformer(inputs.model));
  const hasAutoencoder = inputs.autoencoder !== undefined || isTokens === false;
  const chosen = chooseMeasures(config, { isTransformer: isTokens, hasAutoencoder });
  const engine = await context.engine();
  const subject = await openSubject(context, engine, chosen);
  checkTrainingText(chosen, inputs.tokens.split('train').length, subject.model?.patchSize ?? 1);
  const found: Record<string, unknown> = {};
  const given = measuring(context, engine, subject);
  for (const measure of chosen) Object.assign(found, await (await measure.load())(given));
  subject.dispose();
  await outputs.evaluation.write(found);
  report.summary(found);
}

/** What is evaluated. */
interface Subject {
  readonly model: PatchModel | undefined;
  readonly autoencoder: Autoencoder | undefined;
  dispose(): void;
}

async function openSubject(
  { inputs, config }: Context,
  engine: Engine,
  chosen: readonly AnyMeasure[],
): Promise<Subject> {
  const model = inputs.model && (await openPatchModel(engine, inputs.model, config.headSampling));
  if (model) checkVocabulary(model, inputs);
  const isAsked = chosen.some(({ needs }) => needs.includes('autoencoder'));
  const own = isAsked && inputs.autoencoder ? await loadAutoencoder(inputs.autoencoder) : undefined;
  return {
    model,
    autoencoder: own ?? model?.latents?.autoencoder,
    dispose: () => {
      model?.dispose();
      if (own) disposeTree(own.parameters);
    },
  };
}

/**
 * Tokens of another tokenizer are no text to a model. Its embedding has a row for each token; a CALM pads.
 */
function checkVocabulary(model: PatchModel, { tokens, model: folder }: Context['inputs']): void {
  const { padId } = tokens.index;
  // A folder's tokenizer without padding got one more id, which no text has.
  const vocabSize = tokens.index.vocabSize - Number(folder?.isForeign && padId === model.config.vocabSize);
  const fits = folder?.isForeign ? vocabSize <= model.config.vocabSize : vocabSize === model.config.vocabSize;
  if (model.likelihood && !fits)
    throw modelMismatch('vocabSize of the model and the tokens', vocabSize, model.config.vocabSize);
}

/** What measures are given. */
function measuring(
  context: Context,
  engine: Engine,
  { model, autoencoder }: Omit<Subject, 'dispose'>,
): MeasureContext {
  const { config, inputs, outputs, seed, report, pause, signal } = context;
  let heldOut: Promise<HeldOut> | undefined;
  return {
    options: config,
    engine,
    tokens: inputs.tokens,
    get model() {
      return needed(model, 'model');
    },
    get autoencoder() {
      return needed(autoencoder, 'autoencoder');
    },
    tokenizer: () => loadTokenizer((inputs.model ?? inputs.tokens).tokenizerFile),
    heldOut: () => {
      heldOut ??= heldOutBlocks(context, model);
      return heldOut;
    },
    seed,
    resolvePath: (path) => context.resolvePath(path),
    keep: (name, records) => outputs.evaluation.keep(name, records),
    report,
    pause,
    signal,
  };
}

function needed<Part>(part: Part | undefined, name: string): Part {
  if (part === undefined) throw new TypeError(`a measure that takes the ${name} must have it in its needs`);
  return part;
}

/**
 * The sequences that are scored: those that are asked for, or all blocks of one of the reference's protocols.
 */
function heldOutBlocks(context: Context, model: PatchModel | undefined): Promise<HeldOut> {
  const { config, inputs } = context;
  const patchSize = model?.patchSize ?? 1;
  const patchesPerSequence = patchesAtOnce(config, patchSize, model?.likelihood !== undefined);
  const isReference = String(config.protocol) in REFERENCE_BLOCKS;
  const wanted = {
    key: 'numSequences',
    count: isReference ? Number.POSITIVE_INFINITY : config.numSequences,
  };
  return heldOutSequences(inputs.tokens, { patchSize, patchesPerSequence }, wanted, context);
}
