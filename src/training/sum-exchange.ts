/** The sums of ranks as one. */

import type { Add, Cluster, TreeNode } from '../cluster/index.ts';
import {
  type CompiledStep,
  disposeTree,
  type Engine,
  floatTensor,
  type TensorMap,
  tf,
} from '../engine/index.ts';
import { mapTensors } from './optimizers/optimizer.ts';

/** Gradients and values of some micro-batches, summed. */
export type Sums = { readonly gradients: TensorMap; readonly values: TensorMap };
type Pair = { readonly left: tf.Tensor; readonly right: tf.Tensor };

/** Numbers that are summed at once: what is sent and received is held beside the gradients. */
const FLOATS_AT_ONCE = 2 ** 24;

/** All numbers of the sums in a row, a stretch at a time. */
export class SumExchange {
  readonly #cluster: Cluster;
  readonly #numLeaves: number;
  readonly #add: CompiledStep<Pair, { readonly sum: tf.Tensor }>;

  constructor(engine: Engine, cluster: Cluster, numLeaves: number) {
    [this.#cluster, this.#numLeaves] = [cluster, numLeaves];
    this.#add = engine.compile(({ left, right }: Pair) => ({ sum: tf.add(left, right) }));
  }

  /** @param nodes this rank's sums, left alone @returns the sum of all ranks */
  async sum(nodes: readonly (readonly [TreeNode, Sums])[]): Promise<Sums> {
    const rows: (readonly [TreeNode, Row])[] = [];
    for (const [node, sums] of nodes) rows.push([node, await Row.of(sums)]);
    const [first] = rows as [readonly [TreeNode, Row]];
    const whole = first[1].empty();
    for (let from = 0; from < whole.length; from += FLOATS_AT_ONCE) {
      const to = Math.min(from + FLOATS_AT_ONCE, whole.length);
      const parts = rows.map(([node, row]) => [node, row.read(from, to)] as const);
      whole.write(from, await this.#cluster.allReduce(this.#numLeaves, parts, this.#addFloats));
    }
    return whole.as((nodes[0] as readonly [TreeNode, Sums])[1]);
  }

  /** By the engine, as within a rank: some of them take the smallest numbers for zero. */
  readonly #addFloats: Add = async (left, right) => {
    const inputs = { left: floatTensor(left, [left.length]), right: floatTensor(right, [right.length]) };
    const outputs = await this.#add(inputs);
    const sum = await outputs.sum.data<'float32'>();
    disposeTree({ ...inputs, ...outputs });
    return sum;
  };
}

/** The numbers of sums in a row. */
class Row {
  readonly length: number;
  readonly #arrays: readonly Float32Array[];

  private constructor(arrays: readonly Float32Array[]) {
    this.#arrays = arrays;
    this.length = arrays.reduce((sum, { length }) => sum + length, 0);
  }

  static async of({ gradients, values }: Sums): Promise<Row> {
    const tensors = [...Object.values(gradients), ...Object.values(values)];
    return new Row(await Promise.all(tensors.map((tensor) => tensor.data<'float32'>())));
  }

  /** Another one, for as many. */
  empty(): Row {
    return new Row(this.#arrays.map(({ length }) => new Float32Array(length)));
  }

  read(from: number, to: number): Float32Array {
    const numbers = new Float32Array(to - from);
    for (const [piece, at] of this.#pieces(from, to)) numbers.set(piece, at - from);
    return numbers;
  }

  write(from: number, numbers: Float32Array): void {
    for (const [piece, at] of this.#pieces(from, from + numbers.length))
      piece.set(numbers.subarray(at - from, at - from + piece.length));
  }

  /** As tensors of the same names and shapes. */
  as({ gradients, values }: Sums): Sums {
    const arrays = [...this.#arrays];
    const next = ({ shape }: tf.Tensor) => floatTensor(arrays.shift() as Float32Array, shape);
    return { gradients: mapTensors(gradients, next), values: mapTensors(values, next) };
  }

  /** The arrays between two places, each with where it begins. */
  *#pieces(from: number, to: number): Generator<[piece: Float32Array, at: number]> {
    let at = 0;
    for (const array of this.#arrays) {
      const [first, end] = [Math.max(from - at, 0), Math.min(to - at, array.length)];
      if (first < end) yield [array.subarray(first, end), at + first];
      at += array.length;
    }
  }
}
