/**
 * BrierLM (paper §4): a proper score from samples alone, higher is better.
 * Brier(P, y) = 2 P(y) − Σ P(x)², estimated without bias from two independent draws by 1{x₁ = y} + 1{x₂ = y} − 1{x₁ = x₂}. Brier-n takes the next n
 * tokens as the outcome; BrierLM = 100 · (Brier-1 · Brier-2 · Brier-3 · Brier-4)^¼.
 * B rows · P target patches · K tokens a patch · W windows.
 */

import { disposeTree, intTensor, type Tensor, tf } from '../engine/index.ts';
import { type DrawnPatches, extendCache, type KeyValueCache, type PatchDecoder } from '../models/index.ts';

export const NUM_FACTORS = 4;

/** What windows of one sequence add up to: for each factor the sum of 1{x₁ = y} + 1{x₂ = y} − 1{x₁ = x₂}. */
export interface BrierSums {
  readonly sums: readonly number[];
  readonly numWindows: number;
}

/** Brier-1 … Brier-4 of one batch: means over its windows, and the sums of each of its rows. */
export interface BrierBatch {
  readonly brier: readonly number[];
  readonly numWindows: number;
  readonly rows: readonly BrierSums[];
}

/** Uniform noise for the head, in [−½, ½). */
export interface BrierDraws {
  /** The two samples at every position: [2, rows·patches, noise], flat. */
  accuracy(size: number): Float32Array;
  /** Two samples for each row, `step` patches after the first of a window: [2, rows, noise], flat. */
  rollout(window: number, step: number, size: number): Float32Array;
}

/**
 * Estimates the four factors on sequences. The first patch is context only and never scored.
 *
 * K ≥ 4: each target patch is a window, and agreement is counted on its first four tokens. K < 4: a window is ⌈4/K⌉ patches. Its accuracy terms use the
 * teacher-forced draws; its collision term rolls the model out along the first draw's path, both draws being taken from the same prefix at every step.
 * As in the reference, the last window that would fit is left out.
 * @param ids sequences, each (P + 1)·K token ids
 * @param targets what is scored against, each P·K ids; the sequences without their first patch where absent
 */
export async function estimateBrier(
  decoder: PatchDecoder,
  ids: readonly Int32Array[],
  draws: BrierDraws,
  targets?: readonly Int32Array[],
): Promise<BrierBatch> {
  const { patchSize, noiseSize, hiddenSize } = decoder.model.config;
  const rows = ids.length;
  const golden = targets ?? ids.map((row) => row.subarray(patchSize));
  const patches = golden[0].length / patchSize;
  const idTensor = joinRows(ids.map((row) => row.subarray(0, patches * patchSize)));
  const { hidden, cache } = await decoder.feed(idTensor);
  const positions = tf.reshape(hidden, [rows * patches, hiddenSize]);
  const samples = await decoder.draw(positions, draws.accuracy(2 * rows * patches * noiseSize));
  const shape = { rows, patches, patchSize };
  await decodeWhatCounts(samples, golden, shape);
  const drawn = samples.tokens;
  const rounded = decoder.roundCapacity(cache);
  const batch =
    patchSize >= NUM_FACTORS
      ? scorePatches(drawn, golden, shape)
      : await scoreWindows(drawn, golden, shape, (window, steps) => rollOut(decoder, rounded, drawn, shape, window, steps, draws));
  samples.dispose();
  disposeTree({ hidden, cache, idTensor, positions, ...(rounded === cache ? {} : { rounded }) });
  return batch;
}

interface BatchShape {
  readonly rows: number;
  readonly patches: number;
  readonly patchSize: number;
}

/**
 * Decodes the tokens that the score depends on: of each window the first ones, and the next ones only while one of its three comparisons still agrees.
 * What is left out is −1 and stands behind a disagreement.
 */
async function decodeWhatCounts(samples: DrawnPatches, golden: readonly Int32Array[], { rows, patches, patchSize }: BatchShape): Promise<void> {
  const { tokens } = samples;
  const half = tokens.length / 2;
  const perRow = patches * patchSize;
  for (;;) {
    const wanted: number[] = [];
    for (let row = 0; row < rows; row++) {
      for (let start = 0; start < perRow; start += patchSize) {
        const [x1, x2] = [row * perRow + start, half + row * perRow + start];
        const target = golden[row].subarray(start, start + NUM_FACTORS);
        wanted.push(...undecided(tokens, x1, target), ...undecided(tokens, x2, target));
        wanted.push(...undecided(tokens, x1, tokens.subarray(x2, x2 + Math.min(NUM_FACTORS, patchSize)), x2));
      }
    }
    if (wanted.length === 0) return;
    await samples.decode(wanted);
  }
}

/** The places whose tokens must be known to go on comparing a drawn path with another one: none once they have parted or end. `otherAt` is where a drawn one begins. */
function undecided(tokens: Int32Array, at: number, other: Int32Array, otherAt = 0): number[] {
  for (let n = 0; n < other.length; n++) {
    const unknown = [...(tokens[at + n] < 0 ? [at + n] : []), ...(other[n] < 0 ? [otherAt + n] : [])];
    if (unknown.length > 0 || tokens[at + n] !== other[n]) return unknown;
  }
  return [];
}

/** K ≥ 4: prefixes of one predicted patch. */
function scorePatches(drawn: Int32Array, golden: readonly Int32Array[], { rows, patches, patchSize }: BatchShape): BrierBatch {
  const half = drawn.length / 2;
  const sums = golden.map((target, row) => {
    const own = new Float64Array(NUM_FACTORS);
    for (let patch = 0; patch < patches; patch++) {
      const at = (row * patches + patch) * patchSize;
      const [x1, x2] = [drawn.subarray(at, at + NUM_FACTORS), drawn.subarray(half + at, half + at + NUM_FACTORS)];
      addWindow(own, x1, x2, target.subarray(patch * patchSize), agreement(x1, x2));
    }
    return own;
  });
  return batchOf(sums.slice(0, rows), patches);
}

/** A batch from the sums of its rows, each over as many windows. */
function batchOf(sums: readonly Float64Array[], windowsPerRow: number): BrierBatch {
  const rows = sums.map((own) => ({ sums: [...own], numWindows: windowsPerRow }));
  return { ...meansOf(rows), rows };
}

/** Sums added up, as means over windows. */
export function meansOf(parts: readonly BrierSums[]): { brier: number[]; numWindows: number } {
  const numWindows = parts.reduce((sum, part) => sum + part.numWindows, 0);
  const brier = Array.from({ length: NUM_FACTORS }, (_, n) => parts.reduce((sum, part) => sum + part.sums[n], 0) / numWindows);
  return { brier, numWindows };
}

/** The two paths of every row through one window: tokens [rows][4] of each. Only their common prefix matters. */
type RollOut = (window: number, steps: number) => Promise<{ first: Int32Array[]; second: Int32Array[] }>;

/** K < 4: windows of ⌈4/K⌉ patches. */
async function scoreWindows(drawn: Int32Array, golden: readonly Int32Array[], { rows, patches, patchSize }: BatchShape, roll: RollOut): Promise<BrierBatch> {
  const steps = Math.ceil(NUM_FACTORS / patchSize);
  const numWindows = Math.max(0, patches - steps);
  const sums = Array.from({ length: rows }, () => new Float64Array(NUM_FACTORS));
  const half = drawn.length / 2;
  for (let window = 0; window < numWindows; window++) {
    const { first, second } = await roll(window, steps);
    for (let row = 0; row < rows; row++) {
      const at = (row * patches + window) * patchSize;
      const target = golden[row].subarray(window * patchSize);
      addWindow(sums[row], drawn.subarray(at), drawn.subarray(half + at), target, agreement(first[row], second[row]));
    }
  }
  return batchOf(sums, numWindows);
}

/** Adds 1{x₁ = y} + 1{x₂ = y} − 1{collision} for every prefix length to the sums. */
function addWindow(sums: Float64Array, x1: Int32Array, x2: Int32Array, target: Int32Array, collision: number): void {
  const [hits1, hits2] = [agreement(x1, target), agreement(x2, target)];
  for (let n = 1; n <= NUM_FACTORS; n++) sums[n - 1] += Number(hits1 >= n) + Number(hits2 >= n) - Number(collision >= n);
}

/** How many leading tokens agree, at most four. */
function agreement(a: Int32Array, b: Int32Array): number {
  let length = 0;
  while (length < NUM_FACTORS && length < a.length && a[length] === b[length]) length++;
  return length;
}

/**
 * Rolls all rows out through one window. The first patch is the teacher-forced draw; then the first draw's patch is fed after the true prefix, two new
 * draws are taken, and so on, until the paths of every row have parted.
 */
async function rollOut(
  decoder: PatchDecoder,
  full: KeyValueCache,
  drawn: Int32Array,
  { rows, patches, patchSize }: BatchShape,
  window: number,
  steps: number,
  draws: BrierDraws,
) {
  const half = drawn.length / 2;
  const patchOf = (offset: number, row: number) =>
    drawn.slice(offset + (row * patches + window) * patchSize, offset + (row * patches + window + 1) * patchSize);
  const indices = Array.from({ length: rows }, (_, row) => row);
  let paths: { first: Int32Array[]; second: Int32Array[] } = { first: indices.map((row) => patchOf(0, row)), second: indices.map((row) => patchOf(half, row)) };
  let past: { cache: KeyValueCache; length: number } = { cache: full, length: window + 1 };
  for (let step = 1; step < steps; step++) {
    if (indices.every((row) => agreement(paths.first[row], paths.second[row]) < Math.min(NUM_FACTORS, step * patchSize))) break;
    const ids = joinRows(lastPatches(paths.first, patchSize));
    const { hidden, fresh } = await decoder.look(ids, past.cache, past.length);
    const next = await drawAt(decoder, hidden, draws.rollout(window, step - 1, 2 * rows * decoder.model.config.noiseSize));
    const cache = step + 1 < steps ? extendCache(past.cache, past.length, fresh) : full;
    if (past.cache !== full) disposeTree(past.cache);
    past = { cache, length: past.length + 1 };
    disposeTree({ ids, hidden, fresh });
    paths = { first: extend(paths.first, next, 0, patchSize), second: extend(paths.second, next, rows * patchSize, patchSize) };
  }
  if (past.cache !== full) disposeTree(past.cache);
  return paths;
}

/** Draws at the last position of every row, [rows, 1, hidden]. */
async function drawAt(decoder: PatchDecoder, hidden: Tensor, noise: Float32Array): Promise<Int32Array> {
  const positions = tf.reshape(hidden, [hidden.shape[0], decoder.model.config.hiddenSize]);
  const drawn = await decoder.draw(positions, noise);
  const tokens = await drawn.decodeAll();
  drawn.dispose();
  positions.dispose();
  return tokens;
}

/** Rows of equal length as one tensor, [rows, length]. */
function joinRows(rows: readonly Int32Array[]): Tensor {
  const width = rows[0].length;
  return intTensor(
    Int32Array.from({ length: rows.length * width }, (_, i) => rows[Math.floor(i / width)][i % width]),
    [rows.length, width],
  );
}

/** What is fed next. Rows whose paths have parted are fed as well, for the others' sake; what was never decoded of them becomes id 0. */
function lastPatches(paths: readonly Int32Array[], patchSize: number): Int32Array[] {
  return paths.map((path) => path.subarray(path.length - patchSize).map((id) => Math.max(0, id)));
}

function extend(paths: readonly Int32Array[], drawn: Int32Array, offset: number, patchSize: number): Int32Array[] {
  return paths.map((path, row) => Int32Array.of(...path, ...drawn.subarray(offset + row * patchSize, offset + (row + 1) * patchSize)));
}

/** How batches become one score. `weighted`: every window counts the same and each factor is clamped at 0. `reference`: every batch counts the same and only the product is clamped, so two negative factors give a positive score. */
export const PROTOCOLS = ['weighted', 'reference'] as const;
export type BrierProtocol = (typeof PROTOCOLS)[number];

export interface BrierScore {
  /** 100 · the geometric mean of the factors, as the paper prints it. */
  readonly brierLM: number;
  /** Brier-1 … Brier-4. */
  readonly brier: readonly number[];
  readonly numWindows: number;
}

export function aggregateBrier(batches: readonly Pick<BrierBatch, 'brier' | 'numWindows'>[], protocol: BrierProtocol): BrierScore {
  const weightOf = (batch: { numWindows: number }) => (protocol === 'reference' ? 1 : batch.numWindows);
  const total = batches.reduce((sum, batch) => sum + weightOf(batch), 0);
  const brier = Array.from({ length: NUM_FACTORS }, (_, n) => batches.reduce((sum, batch) => sum + weightOf(batch) * batch.brier[n], 0) / total);
  return { brierLM: brierLM(brier, protocol), brier, numWindows: batches.reduce((sum, batch) => sum + batch.numWindows, 0) };
}

export function brierLM(brier: readonly number[], protocol: BrierProtocol = 'weighted'): number {
  const factors = protocol === 'reference' ? brier : brier.map((factor) => Math.max(factor, 0));
  return (
    100 *
    Math.max(
      0,
      factors.reduce((product, factor) => product * factor, 1),
    ) **
      (1 / NUM_FACTORS)
  );
}
