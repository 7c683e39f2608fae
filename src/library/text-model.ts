/**
 * A model with its tokenizer: text in, text out. What `load` gives to programs, and what the stages and
 * commands that write or read text work with, so the same seed gives the same text everywhere.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { autoencoderFolder, languageModelFolder } from '../artifacts/index.ts';
import { chatIds, loadTokenizer, promptIds, type Tokenizer } from '../data/index.ts';
import { elementAt } from '../elements.ts';
import { disposeTree, type Engine } from '../engine/index.ts';
import { hasNoLatents, modelDisposed, noSuchToken, promptTooLong, writesNoText } from '../errors.ts';
import { brierReport, scoreBrier } from '../evaluation/index.ts';
import {
  type Autoencoder,
  loadAutoencoder,
  openPatchModel,
  PatchCodec,
  type PatchModel,
} from '../models/index.ts';
import {
  alignPrompt,
  checkChoice,
  DEFAULT_CANDIDATES,
  DEFAULT_DRAW_BUDGET,
  type GeneratedPatch,
  GrowingText,
  generate,
  namedDraws,
  SAMPLERS,
  TextsAtOnce,
} from '../sampling/index.ts';
import { checkedLatents, hashOfParameters, hashOfText } from './latents.ts';
import { checkOptions } from './options.ts';
import { sequencesOf } from './texts.ts';
import { Turns } from './turns.ts';
import type {
  ChatMessage,
  EncodedText,
  Generated,
  GenerateOptions,
  Model,
  Prompt,
  Score,
  ScoreOptions,
  TextLatents,
  WrittenPatch,
} from './types.ts';

type Folder = Awaited<ReturnType<(typeof languageModelFolder | typeof autoencoderFolder)['open']>>;
type Stopping = { readonly signal?: AbortSignal | undefined };

export interface OpenOptions {
  /** What is drawn where no seed is given. */
  readonly seed?: number;
  readonly headSampling?: Readonly<Record<string, unknown>> | undefined;
  /** Told once, when the weights are freed. */
  readonly onDisposed?: () => void;
  /** Told once of a prompt that is longer than what the model was trained on. */
  readonly onWarning?: (message: string) => void;
}

interface Parts extends Required<Omit<OpenOptions, 'headSampling'>> {
  readonly engine: Engine;
  readonly folder: Folder;
  readonly tokenizer: Tokenizer;
  /** Undefined where the folder holds an autoencoder alone. */
  readonly language: PatchModel | undefined;
  /** Undefined of a Transformer. */
  readonly autoencoder: Autoencoder | undefined;
}

/** Opens a folder of either kind. @param engine that is loaded */
export async function openTextModel(
  engine: Engine,
  folder: Folder,
  { seed = 0, headSampling, onDisposed = () => {}, onWarning = () => {} }: OpenOptions = {},
): Promise<Model> {
  const isAutoencoder = folder.kind === 'autoencoder';
  const language = isAutoencoder ? undefined : await openPatchModel(engine, folder, headSampling);
  const autoencoder = language ? language.latents?.autoencoder : await loadAutoencoder(folder);
  const { eosTokenId, padTokenId, vocabSize } = language?.config ?? (autoencoder as Autoencoder).config;
  const tokenizer = await loadTokenizer(folder.tokenizerFile, {
    endOfText: eosTokenId ?? undefined,
    pad: padTokenId ?? undefined,
    modelVocabSize: vocabSize,
  });
  return new TextModel({ engine, folder, tokenizer, seed, language, autoencoder, onDisposed, onWarning });
}

/** Work under way that `dispose` ends. */
interface Underway {
  return(value: undefined): Promise<unknown>;
}

class TextModel implements Model {
  readonly #parts: Parts;
  readonly #turns = new Turns();
  readonly #underway = new Set<Underway>();
  #codec: PatchCodec | undefined;
  #provenance: Promise<Pick<TextLatents, 'autoencoder' | 'tokenizer'>> | undefined;
  #disposal: Promise<void> | undefined;
  #hasWarned = false;
  #textsAtOnce: TextsAtOnce | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get kind(): Model['kind'] {
    const { language } = this.#parts;
    if (!language) return 'autoencoder';
    return language.likelihood ? 'transformer' : 'calm';
  }

  get directory(): string {
    return this.#parts.folder.directory;
  }

  get engine(): string {
    return this.#parts.engine.name;
  }

  get patchSize(): number {
    return this.#parts.language?.patchSize ?? this.#autoencoder.config.patchSize;
  }

  get latentSize(): number | undefined {
    return this.#parts.autoencoder?.config.latentSize;
  }

  get seed(): number {
    return this.#parts.seed;
  }

  async *generate(prompt: Prompt, options: GenerateOptions = {}): AsyncGenerator<string, Generated, void> {
    checkOptions(options);
    const model = this.#language();
    const { tokenizer } = this.#parts;
    const { seed = this.seed, index = 0, maxTokens = 200, signal } = options;
    const ids = await idsOf(tokenizer, prompt);
    checkTokenIds(ids, model.config.vocabSize);
    const { maxPromptTokens = Number.POSITIVE_INFINITY } = options;
    if (ids.length > maxPromptTokens) throw promptTooLong(ids.length, maxPromptTokens);
    const start = alignPrompt(ids, model.patchSize, tokenizer.endOfTextId);
    this.#checkLength(start.length / model.patchSize, model);
    const settings = {
      ...choiceOf(options, model),
      maxLength: start.length + maxTokens,
      padId: tokenizer.padId,
      endOfTextId: tokenizer.endOfTextId,
      pause: pauseFor(signal),
    };
    const text = new GrowingText(tokenizer, { maxTokens, stop: options.stop });
    const counts = { numPatches: 0, draws: 0, fallbacks: 0 };
    const source = this.#textsOf(model).join(signal);
    const patches = generate(source, [start], settings, namedDraws(model, seed, index));
    this.#underway.add(patches);
    try {
      for (;;) {
        signal?.throwIfAborted();
        this.#checkOpen();
        const { done, value } = await patches.next();
        if (done) break;
        counts.numPatches++;
        counts.draws += elementAt(value.draws, 0);
        counts.fallbacks += Number(value.fallbacks[0]);
        const piece = await text.add(value.patch);
        options.onTokens?.(text.numTokens);
        options.onPatch?.(await this.#writtenPatch(value, options.candidates));
        if (piece) yield piece;
        if (text.end !== undefined) break;
        await nextTurn();
      }
      const last = await text.finish();
      if (last) yield last;
      const numPromptTokens = ids.length;
      const { numTokens } = text;
      return { text: text.text, numTokens, numPromptTokens, end: text.end ?? 'length', ...counts };
    } finally {
      this.#underway.delete(patches);
      await patches.return(undefined);
      source.leave();
    }
  }

  /** A patch as it is told, with so many of those that were drawn. */
  async #writtenPatch(made: GeneratedPatch, most = 0): Promise<WrittenPatch> {
    const { tokenizer } = this.#parts;
    const textOf = async (patch: Int32Array) => ({
      tokens: [...patch],
      text: await tokenizer.decode([...patch]),
    });
    const [drawn = []] = made.candidates ?? [];
    const frequent = drawn.toSorted((a, b) => b.count - a.count).slice(0, most);
    return {
      ...(await textOf(made.patch)),
      draws: elementAt(made.draws, 0),
      candidates: await Promise.all(
        frequent.map(async ({ patch, count }) => ({ ...(await textOf(patch)), count })),
      ),
    };
  }

  async encode(text: string, { signal }: Stopping = {}): Promise<EncodedText> {
    const codec = this.#codecFor('encode');
    const { tokenizer } = this.#parts;
    const { patchSize, latentSize } = this.#autoencoder.config;
    const tokens = Int32Array.from(await tokenizer.encodeAsText(text));
    const numPatches = Math.ceil(tokens.length / patchSize);
    const ids = new Int32Array(numPatches * patchSize).fill(tokenizer.padId);
    ids.set(tokens);
    const found = await this.#work(signal, (pause) => codec.encode(ids, pause));
    const sizes = { numPatches, latentSize, patchSize, numTokens: tokens.length };
    return { tokens, latents: { ...found, ...sizes, ...(await this.#origin()) } };
  }

  async decode(latents: TextLatents | Float32Array, { signal }: Stopping = {}): Promise<string> {
    const codec = this.#codecFor('decode');
    const { tokenizer } = this.#parts;
    const { mean, numTokens } = await checkedLatents(latents, this.#autoencoder.config, () => this.#origin());
    const ids = await this.#work(signal, (pause) => codec.decode(mean, pause));
    const tokens = Array.from(ids.subarray(0, numTokens));
    if (numTokens === undefined) while (tokens.at(-1) === tokenizer.padId) tokens.pop();
    return tokenizer.decode(tokens);
  }

  textOf(tokens: readonly number[]): Promise<string> {
    this.#checkOpen();
    return this.#parts.tokenizer.decode([...tokens]);
  }

  async score(texts: readonly string[], options: ScoreOptions = {}): Promise<Score> {
    checkOptions(options);
    const model = this.#language();
    const { numSamples = 2, fromSamples = false, patchesPerSequence, signal, onProgress } = options;
    const { seed = this.seed } = options;
    return this.#work(signal, async (pause) => {
      const { tokenizer } = this.#parts;
      const { sequences, documents } = await sequencesOf(texts, model, tokenizer, pause, patchesPerSequence);
      const onBatch = (done: number) => onProgress?.(done, sequences.length);
      const batches = await scoreBrier(model, sequences, seed, { numSamples, fromSamples, onBatch, pause });
      const asked = { protocol: 'weighted', numSamples } as const;
      return brierReport(batches, documents, asked, { seed, pause });
    });
  }

  dispose(): Promise<void> {
    return (this.#disposal ??= this.#free());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #free(): Promise<void> {
    (await this.#turns.begin())();
    // What they hold is freed with the weights; whoever asks for more from now on gets an error.
    for (const work of this.#underway) await work.return(undefined);
    this.#parts.language?.dispose();
    if (!this.#parts.language) disposeTree(this.#autoencoder.parameters);
    this.#parts.onDisposed();
  }

  /** Texts under way at the same time are written together. */
  #textsOf(model: PatchModel): TextsAtOnce {
    return (this.#textsAtOnce ??= new TextsAtOnce(model, this.#parts.engine.isCompiling, (work) =>
      this.#work(undefined, work),
    ));
  }

  /** Works by turns: whenever it pauses, those who wait come first. */
  async #work<T>(
    signal: AbortSignal | undefined,
    work: (pause: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    let end = await this.#turns.begin();
    const pause = async () => {
      end();
      await nextTurn();
      end = await this.#turns.begin();
      signal?.throwIfAborted();
      this.#checkOpen();
    };
    try {
      return await this.#whileOpen(() => work(pause));
    } finally {
      end();
    }
  }

  async #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    return work();
  }

  #checkOpen(): void {
    if (this.#disposal) throw modelDisposed(this.directory);
  }

  /** @param length of a prompt, in positions */
  #checkLength(length: number, { config: { maxPositionEmbeddings: trained }, likelihood }: PatchModel): void {
    if (trained === undefined || length <= trained || this.#hasWarned) return;
    this.#hasWarned = true;
    const unit = likelihood ? 'tokens' : 'patches';
    this.#parts.onWarning(
      `the prompt has ${length} ${unit}, and the model was trained on sequences of ${trained}: ` +
        'it has not learnt to use more, so a shorter prompt may give better text',
    );
  }

  #language(): PatchModel {
    this.#checkOpen();
    if (!this.#parts.language) throw writesNoText(this.directory);
    return this.#parts.language;
  }

  /** Of a Transformer there is none. */
  get #autoencoder(): Autoencoder {
    return this.#parts.autoencoder as Autoencoder;
  }

  #codecFor(what: 'encode' | 'decode'): PatchCodec {
    this.#checkOpen();
    const { autoencoder, engine } = this.#parts;
    if (!autoencoder) throw hasNoLatents(what, this.directory);
    return (this.#codec ??= new PatchCodec(engine, autoencoder));
  }

  /** What latents of this model say of where they come from. */
  #origin(): Promise<Pick<TextLatents, 'autoencoder' | 'tokenizer'>> {
    return (this.#provenance ??= hashOfParameters(this.#autoencoder.parameters).then((autoencoder) => ({
      autoencoder,
      tokenizer: hashOfText(this.#parts.tokenizer.toJson()),
    })));
  }
}

/** The token ids of what is to be continued. */
async function idsOf(tokenizer: Tokenizer, prompt: Prompt): Promise<readonly number[]> {
  if (typeof prompt === 'string') return promptIds(tokenizer, prompt);
  return isConversation(prompt) ? chatIds(tokenizer, prompt) : prompt;
}

function isConversation(prompt: Exclude<Prompt, string>): prompt is readonly ChatMessage[] {
  return prompt.some((part) => typeof part === 'object');
}

function checkTokenIds(ids: ArrayLike<number>, vocabSize: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize) throw noSuchToken(id, vocabSize);
  }
}

function choiceOf(options: GenerateOptions, { likelihood }: PatchModel) {
  const { temperature = 0.5, topK, topP, sampler, numCandidates, drawBudget, candidates } = options;
  checkChoice(options as Parameters<typeof checkChoice>[0], { hasLikelihood: likelihood !== undefined });
  if (likelihood) return { temperature, ...(topK ? { topK } : {}), ...(topP ? { topP } : {}) };
  return {
    temperature,
    sampler: sampler ?? SAMPLERS[0],
    numCandidates: numCandidates ?? DEFAULT_CANDIDATES,
    drawBudget: drawBudget ?? DEFAULT_DRAW_BUDGET,
    countsCandidates: (candidates ?? 0) > 0,
  };
}

/** A pause lets Node's event loop turn, and throws where the work is to stop. */
function pauseFor(signal: AbortSignal | undefined): () => Promise<void> {
  return async () => {
    await nextTurn();
    signal?.throwIfAborted();
  };
}
