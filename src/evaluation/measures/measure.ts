/**
 * What a measure is: something that `evaluate` finds out about a model on held-out text. Loads no tensor
 * library.
 */

import type { z } from 'zod';
import type { TokenShards } from '../../artifacts/index.ts';
import type { Tokenizer } from '../../data/index.ts';
import type { Engine } from '../../engine/index.ts';
import type { Autoencoder, PatchModel } from '../../models/index.ts';
import type { ValueLabel } from '../../models/value-labels.ts';

/**
 * What a measure can't do without. `likelihood`: a model that knows the probabilities of tokens. `samples`:
 * one that gives
 * samples alone. `latents`: one with an autoencoder. `autoencoder`: given, or inside the model. `training
 * text`: a training
 * split to compare with.
 */
export type Need = 'model' | 'likelihood' | 'samples' | 'latents' | 'autoencoder' | 'training text';

/** Sequences that are scored, all of one length, and the document of each. */
export interface HeldOut {
  /** [sequences][patches·K] token ids; the first patch is context only. */
  readonly sequences: readonly Int32Array[];
  readonly documents: readonly number[];
}

export interface MeasureReport {
  progress(progress: { step: number; steps?: number; what?: string }): void;
  note(message: string): void;
  warn(message: string): void;
}

/** Options that every measure has. */
export interface CommonOptions {
  readonly numSequences: number;
  readonly sequencesPerBatch: number;
}

export interface MeasureContext<Options = Readonly<Record<string, unknown>>> {
  /** The measure's own options and those that all have. */
  readonly options: Options & CommonOptions;
  readonly engine: Engine;
  /** The corpus. Held-out sequences come from its validation split. */
  readonly tokens: TokenShards;
  /** The model; an error where `needs` does not ask for one. */
  readonly model: PatchModel;
  /** The autoencoder; an error where `needs` does not ask for one. */
  readonly autoencoder: Autoencoder;
  readonly tokenizer: () => Promise<Tokenizer>;
  /** As many sequences as are asked for; the same for all measures. */
  readonly heldOut: () => Promise<HeldOut>;
  readonly seed: number;
  /** A path of the configuration, relative to its file, in full. */
  resolvePath(path: string): string;
  /** Keeps records beside the results, as `<name>.jsonl`. */
  keep(name: string, records: readonly object[]): Promise<void>;
  readonly report: MeasureReport;
  /** Awaited between short pieces of work: it lets signals be heard, and throws where the work is to stop. */
  readonly pause: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Finds the results, by the names that they have in evaluation.json. */
export type RunMeasure<Options> = (
  context: MeasureContext<Options>,
) => Promise<Readonly<Record<string, unknown>>>;

/** A value among the results that is worth a name: in plots, tables, lists of runs. */
export interface MeasureValue extends ValueLabel {
  /** Where it is in the results: `brierlm.brierLM`. */
  readonly path: string;
}

export interface Measure<Shape extends z.ZodRawShape = z.ZodRawShape> {
  /** Its name in `measures` and in `calm eval NAME`. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly needs: readonly Need[];
  /** Whether it is taken where `measures` is absent and the model meets its needs. */
  readonly isStandard?: boolean;
  /** An option that, where it is given, asks for the measure too. */
  readonly askedBy?: keyof Shape & string;
  /**
   * Its options, as fields of the stage `evaluate`. Measures may share a field: the same object under the
   * same name.
   */
  readonly options: Shape;
  /** Options that are of no use without something; given all the same, they are refused. */
  readonly optionNeeds?: Readonly<Partial<Record<keyof Shape & string, Need>>>;
  /** Option → its flag in `calm eval`, where that is not the option's own name. */
  readonly flags?: Readonly<Partial<Record<keyof Shape & string, string>>>;
  /** The flag by which `calm eval` takes it instead of another measure, besides its own command. */
  readonly insteadOf?: { readonly measure: string; readonly flag: string; readonly summary: string };
  readonly values: readonly MeasureValue[];
  /** Loads the work. */
  readonly load: () => Promise<RunMeasure<z.output<z.ZodObject<Shape>>>>;
}

// biome-ignore lint/suspicious/noExplicitAny: measures are contravariant in their options.
export type AnyMeasure = Measure<any>;
