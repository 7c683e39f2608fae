/** What the page and the worker that holds a model say to each other. */

import type { BrowserEngine } from '../../engine/browser/load.ts';
import type { ModelFacts } from '../../publish/page-facts.ts';
import type { TextEnd } from '../../sampling/growing-text.ts';

export interface OpenRequest {
  readonly facts: ModelFacts;
  /** Address of the page. */
  readonly base: string;
  /** The first that works where it is `auto`. */
  readonly engine: BrowserEngine | 'auto';
}

export interface GenerateRequest {
  readonly prompt: string;
  readonly seed: number;
  readonly temperature: number;
  readonly maxTokens: number;
  /** Of a CALM. */
  readonly sampler: 'batch' | 'exact';
  readonly numCandidates: number;
}

/** A patch that was written. */
export interface PatchEvent {
  readonly step: number;
  readonly ids: readonly number[];
  /** What it adds to the text. */
  readonly text: string;
  readonly draws: number;
  /** Whether the exact algorithm ran out of draws. */
  readonly isFallback: boolean;
}

export interface Written {
  readonly text: string;
  readonly numTokens: number;
  readonly end: TextEnd | 'stopped';
  readonly seconds: number;
}

/** One distinct patch among draws. */
export interface DrawnPatch {
  readonly ids: readonly number[];
  readonly text: string;
  readonly count: number;
}

/** All draws at one place, as they can be chosen from at any temperature. */
export interface Draws {
  /** In the order of their first appearance. */
  readonly patches: readonly DrawnPatch[];
  readonly numDraws: number;
  /** The number that chooses among them. */
  readonly uniform: number;
  /** Of each draw the index of its patch. */
  readonly patchOfDraw: Int32Array;
  /** [draws · latent] */
  readonly latents: Float32Array;
}

/** The tokens at one place, where the model knows their probabilities. */
export interface Distribution {
  /** The likeliest ones, as many as were asked for. */
  readonly texts: readonly string[];
  /** Of all tokens, the likeliest first. */
  readonly probabilities: Float32Array;
}

/** Vectors of a text's patches. */
export interface TextVectors {
  readonly texts: readonly string[];
  /** [patches · latent] */
  readonly latents: Float32Array;
}

/** What can be asked, and what is answered. */
export interface Calls {
  open(request: OpenRequest): { readonly engine: BrowserEngine; readonly patchSize: number };
  generate(request: GenerateRequest): Written;
  draws(request: { readonly step: number; readonly numDraws: number }): Draws;
  distribution(request: { readonly step: number; readonly count: number }): Distribution;
  vectors(request: { readonly text: string }): TextVectors;
}

export type CallName = keyof Calls;

export type Request =
  | {
      [Name in CallName]: {
        readonly id: number;
        readonly call: Name;
        readonly given: Parameters<Calls[Name]>[0];
      };
    }[CallName]
  | { readonly id: number; readonly call: 'stop' };

/** What comes before an answer. */
export type Notice = { readonly bytes: number } | { readonly patch: PatchEvent };

export type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly problem: string }
  | { readonly id: number; readonly notice: Notice };
