/** The types that a stage sees. Nothing else of the pipeline is public to it. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { CheckpointChoice } from '../artifacts/index.ts';
import type { Cluster } from '../cluster/index.ts';
import type { Engine } from '../engine/index.ts';
import type { HubUse } from '../hub/index.ts';
import type { DrawnList, ValueLabel, ValueLabels, ValueReference } from '../models/config.ts';
import type { LoggedSample, MetricFormat } from '../runs/index.ts';

/** A kind of artifact: how a folder of this kind is read and written. Opening checks the format version. */
export interface ArtifactKind<Reader = unknown, Writer = unknown> {
  readonly name: string;
  readonly formatVersion: number;
  /**
   * Makes a reader. One that holds files (or anything else) has `[Symbol.dispose]()` or
   * `[Symbol.asyncDispose]()`: when the stage ends, well or not,
   * the runner calls it, the asynchronous one where there are both. It must do no harm where everything is
   * closed already.
   */
  open(directory: string): Promise<Reader>;
  /**
   * Makes a writer; likewise. One that is disposed of before it has finished leaves what it wrote, for a
   * stage that `keepsOutputs`.
   */
  create(directory: string): Promise<Writer>;
  /** Where such an artifact lies in a model folder that calm did not make; undefined where it does not. */
  findIn?(directory: string): Promise<string | undefined>;
  /**
   * A writer that keeps nothing, for a stage that is only asked and for ranks that do not write. Without it a
   * temporary folder is written for the one, and the others have no writer.
   */
  discard?(): Writer;
  /** Opens what a stage at work has saved, as if it were finished. @param directory its checkpoints/ */
  openCheckpoint?(directory: string, which: CheckpointChoice): Promise<Reader>;
}

export type {
  CheckpointChoice,
  Cluster,
  DrawnList,
  LoggedSample,
  MetricFormat,
  ValueLabel,
  ValueLabels,
  ValueReference,
};

/** An input that a stage can do without. */
export interface OptionalPort<Kind extends ArtifactKind = ArtifactKind> {
  readonly kind: Kind;
  readonly optional: true;
}

// biome-ignore lint/suspicious/noExplicitAny: a port may hold any reader and writer; `unknown` would refuse all of them.
type AnyKind = ArtifactKind<any, any>;
export type InputPorts = Readonly<Record<string, AnyKind | OptionalPort<AnyKind>>>;
export type OutputPorts = Readonly<Record<string, AnyKind>>;

type ReaderOf<Kind> = Kind extends ArtifactKind<infer Reader, infer _> ? Reader : never;
type WriterOf<Kind> = Kind extends ArtifactKind<infer _, infer Writer> ? Writer : never;

/** Port name → opened artifact; undefined where an optional input is absent. */
export type OpenedInputs<Inputs extends InputPorts> = {
  readonly [Port in keyof Inputs]: Inputs[Port] extends OptionalPort<infer Kind>
    ? ReaderOf<Kind> | undefined
    : ReaderOf<Inputs[Port]>;
};

/** Port name → writer of a new folder. */
export type OutputWriters<Outputs extends OutputPorts> = {
  readonly [Port in keyof Outputs]: WriterOf<Outputs[Port]>;
};

/** One part of a model and what it costs. FLOPs are for each token of text. */
export interface CostPart {
  readonly name: string;
  readonly parameters: number;
  readonly trainingFlops: number;
  readonly inferenceFlops: number;
  /** It is used and not trained; counts of a model's parameters leave it out. */
  readonly isFrozen?: boolean;
}

/** What a stage is going to make, told from its configuration and the estimates of its inputs alone. */
export interface Estimate {
  /** What later stages need to know: vocabSize, patchSize, … */
  readonly facts: Readonly<Record<string, number>>;
  /** The model that is trained, by part. */
  readonly parts?: readonly CostPart[];
  /** Tokens that it is trained on. */
  readonly trainingTokens?: number;
  /** Of a training: tokens of a step, and the parts (sequences, patches) into which it can be shared out. */
  readonly step?: { readonly tokens: number; readonly parts: number };
}

/** A file outside the run folder that a stage reads. */
export interface SourceFile {
  /** Absolute. */
  readonly path: string;
  /** What it is read as; part of the fingerprint. */
  readonly role?: string;
}

/**
 * What is known of an input before a stage runs: how it is made and, once it is there, what its stage said of
 * it.
 */
export interface InputFacts {
  readonly config: Readonly<Record<string, unknown>>;
  /** The summary of the stage that made it; undefined as long as that has not run. */
  readonly metrics?: Readonly<Record<string, unknown>>;
}

/** How a stage reports. It never prints. */
export interface StageReport {
  /** Where the stage is; shown live. @param progress `what` it does, where that is several things */
  progress(progress: {
    step: number;
    steps?: number;
    what?: string;
    values?: Record<string, number>;
    tokensPerSecond?: number;
  }): void;
  /**
   * A line of metrics.jsonl. Times do not belong here: the same seed gives the same lines. `loss` is drawn.
   */
  metrics(metrics: { step: number } & Record<string, number>): void;
  /**
   * A line of events.jsonl: something out of the ordinary, with whatever tells where it was. No times here
   * either.
   */
  event(event: { step: number } & Record<string, unknown>): void;
  /**
   * A text that a model wrote in the middle of its training: a line of events.jsonl, of reports and of the
   * terminal.
   */
  sample(sample: LoggedSample): void;
  /** Keeps what goes into metrics.jsonl, and samples, in formats of others too: files beside it. */
  logTo(formats: readonly MetricFormat[]): void;
  /** Something worth knowing. */
  note(message: string): void;
  /** Something worth acting on. */
  warn(message: string): void;
  /** Text that the stage makes for people, piece by piece: samples, tables. */
  text(text: string): void;
  /**
   * The stage's results; kept in the manifest and shown at the end of the run. `tokensPerSecond` is its rate.
   * What else has a name is told by `labels`.
   */
  summary(results: Record<string, unknown>): void;
  /**
   * Numbers that stand for the run in a list of runs, by the names that people read; besides those of the
   * summary whose label says so.
   */
  headline(numbers: Record<string, number>): void;
  /**
   * Forgets the metrics and events after a step, when a stage resumes from a checkpoint.
   * @param numLines of metrics that the checkpoint knows of; all up to the step where absent
   */
  rewind(step: number, numLines?: number): void;
}

/** A prompt that a person typed. */
export interface TypedPrompt {
  readonly text: string;
  /** Aborted where no more of its answer is wanted. */
  readonly signal: AbortSignal;
}

export interface StageContext<Config, Inputs extends InputPorts, Outputs extends OutputPorts> {
  readonly config: Config;
  readonly inputs: OpenedInputs<Inputs>;
  readonly outputs: OutputWriters<Outputs>;
  /**
   * Loads the tensor engine; later calls give the same one. A stage that needs no tensors never pays for it.
   */
  readonly engine: () => Promise<Engine>;
  readonly seed: number;
  readonly report: StageReport;
  /** What a person types, prompt by prompt, where the command was asked to be interactive. */
  readonly prompts?: AsyncIterable<TypedPrompt>;
  /** Aborted by Ctrl-C. A stage saves what it can and throws; `signal.throwIfAborted()` will do. */
  readonly signal: AbortSignal;
  /**
   * Awaited between two short pieces of work: Node's event loop turns, so that signals and timers are heard;
   * throws where the signal is aborted.
   */
  readonly pause: () => Promise<void>;
  /** A folder that survives interruption and is removed when the stage is done. */
  readonly checkpoints: string;
  /** Makes a path of the configuration absolute: relative to the configuration file. */
  readonly resolvePath: (path: string) => string;
  /**
   * The processes that carry out this stage together: more than one where the run has several ranks and the
   * stage says `sharesWork`. The first rank writes and reports; what the others report goes to their logs.
   */
  readonly cluster: Cluster;
}

/** One thing that a stage can be asked for. */
export interface StageQuestion {
  /** A value of the stage's field `measures`, and the word of the command. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Fields of the stage that matter to it, each with its flag where that is not the field's own name. */
  readonly fields: Readonly<Record<string, string | undefined>>;
  /** The flag by which the command of another question asks this one. */
  readonly insteadOf?: QuestionSwitch;
}

export interface QuestionSwitch {
  /** The name of the other question. */
  readonly question: string;
  /** The flag of one of `fields`; where it is none of theirs, a switch without a value. */
  readonly flag: string;
  /** What the flag does, for help. */
  readonly summary: string;
  /** How a command line goes on with it, for help. */
  readonly example?: string;
}

/** Text that a command was given, and what is to be done with it. */
export interface GivenText {
  /** Paths and patterns. */
  readonly files: readonly string[];
  /** The field or column that holds the text. */
  readonly textField?: string | undefined;
  /** Folder of the artifact that the text is made ready for. */
  readonly like: string;
}

/** How a stage is asked to make its outputs of given text instead of its configuration's. */
export interface TextMaker {
  /** What the text can be made ready for; of several artifacts the one that was made last. */
  readonly like: Readonly<Record<string, OptionalPort<AnyKind>>>;
  /** The fields that ask for it. */
  readonly fields: (text: GivenText) => Readonly<Record<string, unknown>>;
}

export interface Stage<
  Schema extends StandardSchemaV1 = StandardSchemaV1,
  Inputs extends InputPorts = InputPorts,
  Outputs extends OutputPorts = OutputPorts,
> {
  /** Its name in configurations and on the command line; kebab-case. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly apiVersion: 1;
  /**
   * Raise it when the same configuration would give another result: artifacts of older versions become out of
   * date.
   */
  readonly version?: number;
  /** Any Standard Schema. Fields may not be called `uses` or `inputs`. */
  readonly config: Schema;
  /**
   * What a configuration takes from registries: heads, optimisers, measures, corpus formats. The code of
   * those that a plugin brought is part of the fingerprint.
   */
  readonly parts?: (config: StandardSchemaV1.InferOutput<Schema>) => readonly object[];
  readonly inputs: Inputs;
  /** Which of its inputs a configuration takes, all where absent. The others are not wired. */
  readonly inputsFor?: (config: StandardSchemaV1.InferOutput<Schema>) => readonly (keyof Inputs & string)[];
  readonly outputs: Outputs;
  /**
   * Fields that say how the work is done and not what comes of it: how often it is saved or logged, what is
   * done
   * when something goes wrong. They are not part of the fingerprint, so a stage whose `checkpointEvery`
   * changes
   * resumes where it was.
   */
  readonly operational?:
    | readonly string[]
    | ((config: StandardSchemaV1.InferOutput<Schema>) => readonly string[]);
  /** It draws no random numbers, so its result does not depend on the seed. */
  readonly drawsNothing?: boolean;
  /**
   * All ranks of a run carry it out together, by `context.cluster`: each runs it with the same configuration
   * and inputs. Without this the first rank does it alone.
   */
  readonly sharesWork?: boolean;
  /**
   * It needs the tensor engine, which is loaded before the first stage, so that a broken one is known at
   * once.
   */
  readonly usesEngine?: boolean;
  /**
   * Whether a finished result can be trained on to become this one: why not, or undefined where it can. Asked
   * where the two configurations differ in `steps` alone and the wanted steps are more.
   */
  readonly continues?: (config: StandardSchemaV1.InferOutput<Schema>) => string | undefined;
  /**
   * What can be known to fail before the first stage of a run begins; throws the error that it would end
   * with.
   */
  readonly check?: (
    config: StandardSchemaV1.InferOutput<Schema>,
    inputs: Readonly<Record<string, InputFacts>>,
    resolvePath: (path: string) => string,
  ) => Promise<void>;
  /** Asked by a command (`calm eval …`), its checkpoints stay until it is done, so that it can be resumed. */
  readonly resumesAnswers?: boolean;
  /**
   * Its outputs survive an interruption: it goes on where they end. Without this they are emptied whenever
   * the stage starts.
   */
  readonly keepsOutputs?: boolean;
  /**
   * The files that its result depends on besides configuration and inputs, in the order in which they are
   * read.
   * Their contents, roles and order are part of the fingerprint; their names and times are not. Undefined
   * where this configuration has none.
   */
  readonly sources?: (
    config: StandardSchemaV1.InferOutput<Schema>,
    resolvePath: (path: string) => string,
  ) => Promise<readonly SourceFile[] | undefined>;
  /**
   * The values of its fields that may be addresses on the Hugging Face hub, and what each is for. Those that
   * are, are downloaded before the sources are looked at; `resolvePath` then leads to what was downloaded.
   */
  readonly downloads?: (
    config: StandardSchemaV1.InferOutput<Schema>,
  ) => readonly { readonly address: string; readonly use: HubUse }[];
  /**
   * Why a finished result does not serve this configuration although its fingerprint is the same; undefined
   * where it
   * does. For operational fields that can change what comes out, such as what is done with bad lines.
   * @param metrics what the finished run gave to `report.summary`
   */
  readonly isStale?: (
    config: StandardSchemaV1.InferOutput<Schema>,
    metrics: Readonly<Record<string, unknown>>,
  ) => string | undefined;
  /** What it can be asked for by itself: `calm eval NAME` asks `evaluate` for one measure. */
  readonly questions?: () => readonly StageQuestion[];
  /** `calm eval … --corpus` has the text made ready by the stage whose output the asked one takes. */
  readonly ofText?: TextMaker;
  /**
   * The fields that name folders of others, which it takes over, the model's first. `calm import` chooses the
   * stage by those that are given, and of several the one whose output the folder holds.
   */
  readonly imports?: readonly string[];
  /**
   * Names of values in its summary and metrics.jsonl, by their paths: for tables, plots and headlines. Values
   * of one name are compared with one another.
   * @param config that it was run with; all names that there may be where absent
   */
  readonly labels?: (config?: StandardSchemaV1.InferOutput<Schema>) => ValueLabels;
  /**
   * The stage's own command runs beside the run folder and keeps nothing: for stages that are asked again and
   * again, like `sample`.
   */
  readonly isInteractive?: boolean;
  /** How a command line of its own goes on, for help and for what can be done with a finished run. */
  readonly example?: string;
  /**
   * Of an interactive stage that goes on from text: the field that is this text, and one that may stand for
   * it. Its command takes the text from standard input too, and with `--interactive` hands on what is typed as
   * `context.prompts`.
   */
  readonly prompt?: { readonly field: string; readonly instead?: string };
  /** Writes what others' programs read: its command writes a run's metrics too, with `--metrics`. */
  readonly writesForOthers?: boolean;
  /** For `calm cost`: what the stage is going to make. Inputs without an estimate are absent. */
  readonly estimate?: (
    config: StandardSchemaV1.InferOutput<Schema>,
    inputs: Readonly<Record<string, Estimate>>,
    resolvePath: (path: string) => string,
  ) => Promise<Estimate>;
  run(context: StageContext<StandardSchemaV1.InferOutput<Schema>, Inputs, Outputs>): Promise<void>;
}

/** Any stage, as the registry holds it. */
// biome-ignore lint/suspicious/noExplicitAny: stages are contravariant in their context; the registry never calls `run` with the wrong one.
export type AnyStage = Stage<any, any, any>;

/** A named set of stages: what a plugin's module exports by default. */
export interface Plugin {
  readonly name: string;
  readonly apiVersion: 1;
  readonly stages: readonly AnyStage[];
}
