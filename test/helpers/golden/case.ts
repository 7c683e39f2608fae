/**
 * A golden case: a folder of recorded inputs, draws, outputs and gradients of the PyTorch reference. Knows
 * the file format, not the cases.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { camelCaseKeys, readSafetensors, type StoredTensor } from 'calm-lm/artifacts';
import { floatTensor, intTensor, readFloats, type Tensor, type TensorMap } from 'calm-lm/engine';
import {
  type AutoencoderConfig,
  type CalmConfig,
  type ChosenHead,
  type EnergyOptions,
  loadParameters,
  type ParameterTable,
  readHead,
} from 'calm-lm/models';

/**
 * The README's float32 noise floors, relative to the largest magnitude of each tensor; a check allows ten
 * times as much.
 */
export const NOISE_FLOOR = { standard: 3e-6, precise: 1e-6, heads: 3e-5, headGradients: 5e-5 };
export const ALLOWANCE = 10;

export interface Comparison {
  readonly name: string;
  /** Largest absolute difference over the largest magnitude expected; 0 or infinite for discrete results. */
  readonly deviation: number;
  readonly isWithin: boolean;
}

export class GoldenCase {
  readonly directory: string;
  readonly comparisons: Comparison[] = [];
  #io: Map<string, StoredTensor> = new Map();
  #expected: Map<string, StoredTensor> = new Map();
  #grads: Map<string, StoredTensor> = new Map();
  #weights: Map<string, StoredTensor> = new Map();
  readonly #checked = new Set<string>();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(directory: string): Promise<GoldenCase> {
    const golden = new GoldenCase(directory);
    const read = (name: string) =>
      golden.has(`${name}.safetensors`) ? readSafetensors(join(directory, `${name}.safetensors`)) : new Map();
    golden.#io = await read('io');
    golden.#expected = await read('expected');
    golden.#grads = await read('grads');
    golden.#weights = await read('weights');
    return golden;
  }

  has(file: string): boolean {
    return existsSync(join(this.directory, file));
  }

  json<T>(file: string): T {
    return JSON.parse(readFileSync(join(this.directory, file), 'utf8')) as T;
  }

  /** config.json as it is, in camelCase. */
  config<T>(): T {
    return camelCaseKeys(this.json('config.json')) as T;
  }

  /** The language model's configuration. */
  calmConfig<Options = EnergyOptions>(): CalmConfig<Options & ChosenHead> {
    const stated = this.config<CalmConfig & { modelType: string }>();
    const head = readHead(join(this.directory, 'config.json'), stated.modelType, { ...stated });
    return { ...stated, inputMode: 'discrete', head: head as Options & ChosenHead };
  }

  /** The configuration of an autoencoder: its own file, or config.json where the case is an autoencoder's. */
  autoencoderConfig(): AutoencoderConfig {
    return {
      variant: 'robust',
      ...(camelCaseKeys(this.json(this.has('ae_config.json') ? 'ae_config.json' : 'config.json')) as object),
    } as AutoencoderConfig;
  }

  hasInput(name: string): boolean {
    return this.#io.has(name);
  }

  hasWeight(name: string): boolean {
    return this.#weights.has(name);
  }

  input(name: string): StoredTensor {
    const found = this.#io.get(name);
    if (!found) throw new Error(`${this.directory}/io.safetensors has no "${name}"`);
    return found;
  }

  floats(name: string): Tensor {
    const { data, shape } = this.input(name);
    return floatTensor(Float32Array.from(data), shape);
  }

  integers(name: string): Tensor {
    const { data, shape } = this.input(name);
    return intTensor(Int32Array.from(data), shape);
  }

  parameters(table: ParameterTable, prefix = ''): TensorMap {
    return loadParameters(table, this.#weights, join(this.directory, 'weights.safetensors'), prefix);
  }

  hasExpected(name: string): boolean {
    return this.#expected.has(name);
  }

  expected(name: string): StoredTensor {
    const found = this.#expected.get(name);
    if (!found) throw new Error(`${this.directory}/expected.safetensors has no "${name}"`);
    return found;
  }

  /** Compares a tensor with an expected one of the same name, by value and size. */
  async check(name: string, actual: Tensor | Float32Array, floor = NOISE_FLOOR.standard): Promise<void> {
    this.#checked.add(name);
    this.#record(
      name,
      actual instanceof Float32Array ? actual : await readFloats(actual),
      this.expected(name).data,
      floor,
    );
  }

  /** Compares gradients by name; `pick` names those that the case holds for one parameter map. */
  async checkGradients(gradients: TensorMap, floor = NOISE_FLOOR.standard): Promise<void> {
    for (const [name, expected] of this.#grads) {
      if (gradients[name]) this.#record(`d ${name}`, await readFloats(gradients[name]), expected.data, floor);
      else
        this.comparisons.push({
          name: `d ${name} (no such parameter)`,
          deviation: Number.POSITIVE_INFINITY,
          isWithin: false,
        });
    }
  }

  /** Discrete results must be equal. */
  checkEqual(
    name: string,
    actual: ArrayLike<number | string | boolean>,
    expected: ArrayLike<number | string | boolean>,
  ): void {
    this.#checked.add(name);
    const isEqual =
      actual.length === expected.length && Array.from(actual).every((value, i) => value === expected[i]);
    this.comparisons.push({ name, deviation: isEqual ? 0 : Number.POSITIVE_INFINITY, isWithin: isEqual });
  }

  checkNumber(name: string, actual: number, expected: number, floor = NOISE_FLOOR.standard): void {
    this.#record(name, [actual], [expected], floor);
  }

  /** Expected tensors that no check has looked at. */
  unchecked(): string[] {
    return [...this.#expected.keys()].filter((name) => !this.#checked.has(name));
  }

  #record(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>, floor: number): void {
    const deviation =
      actual.length === expected.length ? relativeDeviation(actual, expected) : Number.POSITIVE_INFINITY;
    this.comparisons.push({ name, deviation, isWithin: deviation <= ALLOWANCE * floor });
  }
}

function relativeDeviation(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    const gap = Math.abs(actual[i] - expected[i]);
    difference = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(difference, gap);
  }
  return difference === 0 ? 0 : difference / (largest || 1);
}

/** Every folder at or below `root` that holds a case. */
export function findCases(root: string): string[] {
  const entries = readdirSync(root, { withFileTypes: true });
  const isCase = ['meta.json', 'cases.json', 'expected.safetensors', 'encode.json'].some((file) =>
    entries.some((entry) => entry.name === file),
  );
  const below = entries
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => findCases(join(root, entry.name)));
  return (isCase ? [root, ...below] : below).sort();
}
