/** What a training begins with, which of it is learnt, and how fast. */

import { loadTokenizer } from 'calm-lm/data';
import type { TensorMap } from 'calm-lm/engine';
import { noSuchParameter, nothingToLearn, startTokenizer } from 'calm-lm/errors';
import { type ModelKind, openFound } from 'calm-lm/found-model';
import type { Start } from 'calm-lm/models';
import type { StageReport } from 'calm-lm/plugin';
import { loadOptimizer, type Optimizer, withRates } from 'calm-lm/training';
import type { StartConfig } from './start-fields.ts';
import { findStart } from './start-files.ts';

type Folder = Awaited<ReturnType<typeof openFound>>;

/** A training stage, as far as its beginning goes. */
interface Training {
  readonly config: StartConfig & { readonly optimizer: Parameters<typeof loadOptimizer>[0] };
  readonly inputs: { readonly tokens: { readonly tokenizerFile: string } };
  readonly report: Pick<StageReport, 'note'>;
  resolvePath(path: string): string;
}

/** What is learnt, what stays as it is, and what learns it. */
export interface Beginning extends Parts {
  readonly optimizer: Optimizer;
}

/**
 * @param kind of the model that `initFrom` may name
 * @param first drawn values of every parameter; taken over
 * @param start takes the weights of that model in their place
 */
export async function beginTraining(
  training: Training,
  kind: ModelKind,
  first: TensorMap,
  start: (folder: Folder, first: TensorMap) => Promise<Start>,
): Promise<Beginning> {
  const { config } = training;
  const parts = partsOf(await startingParameters(training, kind, first, start), config);
  const names = Object.keys(parts.learnt);
  return { ...parts, optimizer: withLearningRates(await loadOptimizer(config.optimizer), config, names) };
}

/** Drawn parameters, or in their place those of the model that `initFrom` names. */
async function startingParameters(
  { config: { initFrom }, inputs, report, resolvePath }: Training,
  kind: ModelKind,
  first: TensorMap,
  start: (folder: Folder, first: TensorMap) => Promise<Start>,
): Promise<TensorMap> {
  if (!initFrom) return first;
  const { from, checkpoint } = initFrom;
  const found = await findStart(initFrom, kind, resolvePath);
  const startFrom = async (folder: Folder) => {
    const started = await start(folder, first);
    await checkTokenizer(folder, inputs.tokens.tokenizerFile);
    return started;
  };
  const folder = await openFound(found, checkpoint);
  const { parameters, drawn } = await startFrom(folder).finally(() => folder[Symbol.dispose]());
  const names = Object.keys(parameters);
  const step = checkpoint === undefined ? '' : `, step ${checkpoint}`;
  const anew = drawn.length ? `; drawn: ${prefixesOf(drawn).join(', ')}` : '';
  report.note(
    `begins with ${names.length - drawn.length} of ${names.length} tensors of ${from}${step}${anew}`,
  );
  return parameters;
}

/** Token ids must mean the same text, whatever is put around it. */
async function checkTokenizer({ directory, tokenizerFile }: Folder, own: string): Promise<void> {
  const [here, there] = [await idsBy(own), await idsBy(tokenizerFile)];
  if (here !== there) throw startTokenizer(directory, tokenizerFile);
}

/** A tokenizer.json as we write it, without what it puts around a text. */
async function idsBy(file: string): Promise<string | undefined> {
  return (await loadTokenizer(file, { addSpecialTokens: false })).toFiles()['tokenizer.json'];
}

/** The first part of each name. */
const prefixesOf = (names: readonly string[]) => [...new Set(names.map((name) => name.split('.')[0]))];

/** Parameters by whether they are learnt. */
interface Parts {
  readonly learnt: TensorMap;
  readonly frozen: TensorMap;
  /** All of them again, in their order, with what is learnt by now. */
  whole(learnt: TensorMap): TensorMap;
}

function partsOf(parameters: TensorMap, { freeze = [] }: StartConfig): Parts {
  const names = Object.keys(parameters);
  const isFrozen = matcher('freeze', freeze, names);
  const part = (wanted: boolean) =>
    Object.fromEntries(Object.entries(parameters).filter(([name]) => isFrozen(name) === wanted));
  const [learnt, frozen] = [part(false), part(true)];
  if (Object.keys(learnt).length === 0) throw nothingToLearn(freeze);
  const whole = (current: TensorMap) =>
    Object.fromEntries(Object.entries(parameters).map(([name, first]) => [name, current[name] ?? first]));
  return { learnt, frozen, whole: freeze.length === 0 ? (current) => current : whole };
}

/** The optimiser with the learning rates that the configuration gives to some of the parameters. */
function withLearningRates(
  optimizer: Optimizer,
  { learningRates = {} }: StartConfig,
  names: readonly string[],
): Optimizer {
  const factors = Object.entries(learningRates)
    .map(([pattern, factor]) => ({ fits: matcher('learningRates', [pattern], names), factor }))
    .reverse();
  if (factors.length === 0) return optimizer;
  return withRates(optimizer, (name) => factors.find(({ fits }) => fits(name))?.factor ?? 1);
}

/** Whether a name is like one of the patterns; one that no name is like is an error. */
function matcher(key: string, patterns: readonly string[], names: readonly string[]) {
  const expressions = patterns.map((pattern) => {
    const text = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const expression = new RegExp(`^${text.join('.*')}$`);
    if (!names.some((name) => expression.test(name))) throw noSuchParameter(key, pattern, names);
    return expression;
  });
  return (name: string) => expressions.some((expression) => expression.test(name));
}
