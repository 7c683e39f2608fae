/** What the page is told of a model beside its files. Written by `calm export --to-web` and `calm ui`. */

/** page.json, beside the page: what it is to show. */
export interface PageFacts {
  readonly formatVersion: 1;
  /** The models to play with, the first of them in the middle. */
  readonly models: readonly ModelFacts[];
  /** Whether it is the page of a folder of runs, and whether they may be stopped and resumed there. */
  readonly runs?: { readonly folder: string; readonly allowsControl: boolean };
}

export interface ModelFacts {
  /** Where its files are, relative to the page: config.json, model.safetensors, tokenizer.json. */
  readonly folder: string;
  readonly name: string;
  readonly kind: 'calm' | 'transformer';
  readonly numParameters: number;
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly padId: number;
  /** What its tokenizer puts before a prompt. */
  readonly beginning: readonly number[];
  /** Bytes of its files. */
  readonly bytes: number;
  /** Of its run: the seed, what its samples begin with, and how they were drawn. */
  readonly seed: number;
  readonly prompt: string;
  readonly temperature?: number;
  readonly numCandidates?: number;
}
