/// <reference lib="esnext.disposable" preserve="true" />
/**
 * What a program that uses a model sees. Names nothing of other rooms, so that a TypeScript project needs no
 * types but these and Node's.
 */

export interface LoadOptions {
  /**
   * The engine that computes: `auto`, `onnx`, `node` … Where absent, that of the run if it works here, or the
   * first that does. A process has one engine: another one can be had when all models are disposed.
   */
  readonly engine?: string | undefined;
  /** Of the factors of matrix products; that of the run where absent. */
  readonly precision?: 'f32' | 'bf16' | 'auto' | undefined;
  /** A saved step of the model instead of its result: `latest`, `best`, or a number of steps. */
  readonly checkpoint?: 'latest' | 'best' | number | undefined;
  /** Where a run has several models: the stage that is meant, as `calm status` names it. */
  readonly variant?: string | undefined;
  /** How the head of a CALM is sampled from, as `headSampling` of the stage `sample`. */
  readonly headSampling?: Readonly<Record<string, unknown>> | undefined;
  /** Told what is worth acting on; `process.emitWarning` where absent. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** One turn of a conversation. */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, or whatever else the tokenizer's chat template knows. */
  readonly role: string;
  readonly content: string;
}

/** What is continued: a text, the ids of its tokens, or a conversation. */
export type Prompt = string | readonly number[] | readonly ChatMessage[];

/** Options that are absent are calm's defaults; the `sample` stage of the run's configuration has no say. */
export interface GenerateOptions {
  /** In (0, 1]; lower is safer and duller, 1 leaves the model as it is. 0.5 where absent. */
  readonly temperature?: number | undefined;
  /** Tokens to make, at most. 200 where absent. */
  readonly maxTokens?: number | undefined;
  /** Texts that end the text; they are no part of it. */
  readonly stop?: readonly string[] | undefined;
  /** Ends the work after the present patch: the loop throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The same seed gives the same text. The run's where absent, 0 of a model folder. */
  readonly seed?: number | undefined;
  /** Which of several texts with one seed: `calm sample --num-samples 3` makes 0, 1 and 2. */
  readonly index?: number | undefined;
  /** Of a CALM: `batch` (paper, Algorithm 2) where absent, or `exact` (Algorithm 1). */
  readonly sampler?: 'batch' | 'exact' | undefined;
  /** Of a CALM: N, candidates a patch of the batch approximation; 200 where absent. */
  readonly numCandidates?: number | undefined;
  /** Of a CALM: draws that the exact algorithm may take for a patch; 20,000 where absent. */
  readonly drawBudget?: number | undefined;
  /** Of a Transformer: only the k likeliest tokens. */
  readonly topK?: number | undefined;
  /** Of a Transformer: only the likeliest tokens that together reach this probability. */
  readonly topP?: number | undefined;
  /** Told after each patch how many tokens there are. */
  readonly onTokens?: ((numTokens: number) => void) | undefined;
  /** Told of each patch. */
  readonly onPatch?: ((patch: WrittenPatch) => void) | undefined;
  /**
   * Of a CALM: so many of the patches that were drawn most often are told to `onPatch`; none where absent.
   * Every draw is then decoded whole, which is slower.
   */
  readonly candidates?: number | undefined;
  /** Tokens that a prompt may have; any number where absent. A longer one is an error. */
  readonly maxPromptTokens?: number | undefined;
}

/** K tokens, and their text by itself. */
export interface PatchText {
  readonly tokens: readonly number[];
  readonly text: string;
}

/** A patch of a text. */
export interface WrittenPatch extends PatchText {
  /** Draws that were taken to choose it. */
  readonly draws: number;
  /** What was drawn, and how often; the most frequent first. */
  readonly candidates: readonly (PatchText & { readonly count: number })[];
}

/** What the generator of a text returns at its end. */
export interface Generated {
  /** The whole text, without the prompt. */
  readonly text: string;
  /** Tokens that were made. */
  readonly numTokens: number;
  /** Tokens of the prompt. */
  readonly numPromptTokens: number;
  /** Why it ended: at a stop text, with the document, or at `maxTokens`. */
  readonly end: 'stop' | 'end of text' | 'length';
  /** Of a CALM: patches, draws that they took, and patches for which the exact algorithm ran out of draws. */
  readonly numPatches: number;
  readonly draws: number;
  readonly fallbacks: number;
}

/** The vectors of a text. `decode` reads `mean`. */
export interface TextLatents {
  /** Of each patch's Gaussian, [numPatches · latentSize]. */
  readonly mean: Float32Array;
  /** The natural logarithm of its standard deviation, likewise. */
  readonly logStd: Float32Array;
  readonly numPatches: number;
  readonly latentSize: number;
  /** K, tokens a patch. */
  readonly patchSize: number;
  /** Tokens of the text; the last patch is filled up with padding. */
  readonly numTokens: number;
  /** SHA-256 of the autoencoder's weights, in hexadecimal: another one can't decode it. */
  readonly autoencoder: string;
  /** SHA-256 of its tokenizer.json. */
  readonly tokenizer: string;
}

export interface EncodedText {
  /** Ids of the text's tokens, without padding. */
  readonly tokens: Int32Array;
  readonly latents: TextLatents;
}

export interface ScoreOptions {
  /** S, samples a window; 2 where absent. */
  readonly numSamples?: number | undefined;
  /** From samples alone, also of a Transformer, whose collisions are exact otherwise. */
  readonly fromSamples?: boolean | undefined;
  /**
   * Patches a sequence, the first of them context only; where absent 64 of a CALM and 256 of a Transformer,
   * or as many as there are.
   */
  readonly patchesPerSequence?: number | undefined;
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told after each batch how many sequences are done, and how many there are. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

export interface Score {
  /** BrierLM: 100 · the geometric mean of the factors; higher is better. */
  readonly brierLM: number;
  /** Brier-1 … Brier-4. */
  readonly brier: readonly number[];
  readonly numWindows: number;
  readonly numSamples: number;
  /** From the bootstrap over texts, or over sequences where there are fewer than five texts. */
  readonly interval?: ScoreInterval | undefined;
}

export interface ScoreInterval {
  /** 0.95. */
  readonly level: number;
  readonly brierLM: readonly [low: number, high: number];
  readonly brier: readonly (readonly [low: number, high: number])[];
}

/**
 * A loaded model. Several calls may be under way at once: texts are written in one batch, and all of them take
 * turns, piece by piece.
 */
export interface Model {
  /** What it is: `autoencoder` where there is no language model. */
  readonly kind: 'calm' | 'transformer' | 'autoencoder';
  /** The folder of its weights. */
  readonly directory: string;
  /** The engine that computes. */
  readonly engine: string;
  /** K, tokens a patch; 1 of a Transformer. */
  readonly patchSize: number;
  /** Numbers a vector; undefined of a Transformer. */
  readonly latentSize: number | undefined;
  /** What is drawn where no seed is given. */
  readonly seed: number;
  /**
   * Continues a prompt, in pieces as they are made; an empty prompt starts a document. A piece never ends
   * inside a character. Leaving the loop early frees everything.
   * @param prompt a text, the ids of its tokens, or messages, which the tokenizer's chat template makes a text
   * of that the assistant's turn continues
   */
  generate(prompt: Prompt, options?: GenerateOptions): AsyncGenerator<string, Generated, void>;
  /** The tokens and vectors of a text. Names of special tokens in it are text. A Transformer has none. */
  encode(text: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<EncodedText>;
  /**
   * The text of vectors.
   * @param latents as `encode` gives them; or vectors alone, [patches · latentSize], whose padding is cut off
   */
  decode(
    latents: TextLatents | Float32Array,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<string>;
  /** The text of token ids. */
  textOf(tokens: readonly number[]): Promise<string>;
  /** BrierLM on texts that the model has not seen, each a document. */
  score(texts: readonly string[], options?: ScoreOptions): Promise<Score>;
  /** Frees the weights when the present step has ended; texts under way end with an error. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
