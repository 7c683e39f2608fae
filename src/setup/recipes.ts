/**
 * What is known of small models: a recipe for each tokenizer and K, and what recorded runs of it gave. The
 * numbers stand here alone; `calm init` chooses among them and says them.
 */

/** A run that was made and measured. */
export interface RecordedRun {
  /** Steps of the language model. */
  readonly steps: number;
  readonly brierLM: number;
  /** 95 %, from the bootstrap over documents. */
  readonly interval?: readonly [number, number];
  /** The file of this package that has it. */
  readonly source: string;
}

export interface Recipe {
  readonly tokenizer: 'bytes' | 'bpe';
  readonly patchSize: number;
  /** The configuration of this package that it is: all but how long the language model trains. */
  readonly like?: string;
  /** On RECORDED_TEXT. */
  readonly bytesPerToken: number;
  /** Of text; with less, the tokenizer or the model is too large for it. */
  readonly leastBytes: number;
  /** Steps of the language model; with fewer it has hardly begun. */
  readonly leastSteps: number;
  /** Keys of the stages that are not those of configs/starter.yaml. */
  readonly tokenize: Readonly<Record<string, unknown>>;
  readonly autoencoder: Readonly<Record<string, unknown>> & { readonly steps: number };
  readonly model: Readonly<Record<string, unknown>>;
  readonly evaluate?: Readonly<Record<string, unknown>>;
  readonly sample?: Readonly<Record<string, unknown>>;
  /** On RECORDED_TEXT, fewest steps first. */
  readonly recorded: readonly RecordedRun[];
  /** BrierLM of a sampler that draws each token by its frequency; undefined: not recorded. */
  readonly unigram?: number;
  /** What its samples look like. */
  readonly looks: string;
  /** Of `evaluate` and `sample`, on the machine of REFERENCE. */
  readonly endSeconds: number;
}

/** What all recorded runs were trained on, for people, and how large it is. */
export const RECORDED_TEXT = { name: 'State of the Union addresses', bytes: 10_800_000 };

/**
 * Of one tokenizer the later recipe is the better one where time and text suffice. Numbers are those of
 * docs/learning.md, docs/results.md and configs/small/recipes.md.
 */
export const RECIPES: readonly Recipe[] = [
  {
    tokenizer: 'bytes',
    patchSize: 2,
    like: 'configs/paper/base.yaml',
    bytesPerToken: 1,
    leastBytes: 0,
    leastSteps: 600,
    tokenize: { tokenizer: 'bytes' },
    autoencoder: {
      patchSize: 2,
      latentSize: 16,
      hiddenSize: 96,
      intermediateSize: 256,
      steps: 450,
      patchesPerStep: 1024,
    },
    model: { numHiddenLayers: 3, optimizer: { name: 'muon', every: 2 } },
    recorded: [{ steps: 1000, brierLM: 9.87, interval: [8.55, 10.86], source: 'docs/learning.md' }],
    unigram: 0.08,
    looks: 'short words among pieces of words, no sentences',
    endSeconds: 6,
  },
  {
    // The least number of steps is half of the recorded one: an assumption.
    tokenizer: 'bytes',
    patchSize: 4,
    like: 'configs/small.yaml',
    bytesPerToken: 1,
    leastBytes: 500_000,
    leastSteps: 6000,
    tokenize: { tokenizer: 'bytes' },
    autoencoder: {
      patchSize: 4,
      latentSize: 32,
      hiddenSize: 128,
      intermediateSize: 344,
      steps: 2000,
      warmupSteps: 50,
      patchesPerStep: 512,
    },
    model: { numHiddenLayers: 4, optimizer: { name: 'muon', every: 2 } },
    recorded: [{ steps: 12_000, brierLM: 20.97, interval: [19.06, 22.26], source: 'docs/results.md' }],
    unigram: 0.08,
    looks: 'words, many of them broken, no sentences',
    endSeconds: 6,
  },
  {
    tokenizer: 'bpe',
    patchSize: 2,
    like: 'configs/quickstart.yaml',
    bytesPerToken: 3.38,
    leastBytes: 1_000_000,
    leastSteps: 2000,
    tokenize: { tokenizer: 'bpe', vocabSize: 1536 },
    autoencoder: {
      patchSize: 2,
      latentSize: 32,
      hiddenSize: 128,
      intermediateSize: 344,
      steps: 800,
      patchesPerStep: 768,
    },
    model: { numHiddenLayers: 3, optimizer: { name: 'muon', every: 2 } },
    evaluate: { numSequences: 256, numSamples: 16 },
    sample: { temperature: 0.25, numCandidates: 1000, maxTokens: 100 },
    recorded: [
      { steps: 3600, brierLM: 0.2, interval: [0, 0.3], source: 'docs/learning.md' },
      { steps: 4000, brierLM: 0.31, interval: [0.12, 0.4], source: 'docs/learning.md' },
    ],
    unigram: 0,
    looks: 'of the longer words about half are real ones, no sentences',
    endSeconds: 30,
  },
];

/**
 * Where nobody has chosen a tokenizer: that of configs/quickstart.yaml, if there are so many minutes and text
 * enough; `bytes` otherwise.
 */
export const STANDARD: { readonly tokenizer: Recipe['tokenizer']; readonly leastMinutes: number } = {
  tokenizer: 'bpe',
  leastMinutes: 4,
};

/**
 * Passes over a text that still teach something: repeated tokens are worth little beyond (Muennighoff et al.
 * 2023, arXiv 2305.16264: the value of a repetition decays to 1/e at about 16).
 */
export const MOST_PASSES = 16;

/** Entries of a BPE vocabulary are worth having where so many bytes of text stand behind each; an assumption. */
export const BYTES_AN_ENTRY = 500;

/**
 * How long the stages take on the machine of the recorded runs. Measured: configs/quickstart.yaml, alone on it:
 * tokenize 4.0 s, autoencoder 40 s, encoding 3.7 s, language model 229 s, evaluation and samples 30 s.
 */
export const REFERENCE = {
  name: '2 cores with AVX-512',
  /** `calm cost` over the seconds. */
  autoencoderFlopsPerSecond: 116e9,
  flopsPerSecond: 73e9,
  /** Of the stage `tokenize`, a byte of text; `bytes` as in an earlier quickstart, 1 s for 10.8 MB. */
  tokenizeSeconds: { bytes: 1e-7, bpe: 4e-7 },
  /** Of the stage `encode-corpus`, a token that is read and written; likewise, 4 s for 10.8 million. */
  encodeSeconds: 3.7e-7,
  /** Starting engines and compiling steps, of all stages: an assumption. */
  startSeconds: 5,
};
