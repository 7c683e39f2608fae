/**
 * The processes that carry out a run together: as many calms as a launcher (mpirun, srun) has started, each of
 * which knows its number, its rank. One process is the plain case.
 */

import { type Add, sumOfNodes, type TreeNode } from './tree.ts';

/** What a process has spent in exchanges with others since it began. */
export interface Spent {
  /** Waiting until all have come to a sum. */
  readonly waitMs: number;
  /** Summing with others: sending, receiving, adding. */
  readonly exchangeMs: number;
  /** Sent for sums. */
  readonly sentBytes: number;
}

export interface Cluster {
  /** From 0. The first one plans, writes and speaks. */
  readonly rank: number;
  readonly size: number;
  readonly spent: Spent;
  /**
   * Sums vectors over the leaves of a tree, in its order (see tree.ts).
   * @param numLeaves of the tree, shared out over ranks
   * @param parts the sums of this rank's nodes (`nodesOf`), of equal lengths; left alone
   * @returns the sum: the same bits on every rank, and for every number of ranks
   */
  allReduce(numLeaves: number, parts: readonly Part[], add: Add): Promise<Float32Array>;
  /** The first rank's value on all of them, by structured clone; what others give is of no matter. */
  broadcast<T>(value: T): Promise<T>;
  /** Overwrites an array with the first rank's. */
  broadcastInto(numbers: Float32Array): Promise<void>;
  /** What each rank gave, by rank: on the first. The others get nothing. */
  gather<T>(value: T): Promise<readonly T[]>;
  /** Sends a value to the first rank, which takes it by `take`; done when it is taken. */
  give<T>(value: T): Promise<void>;
  /** The next value that a rank gives. */
  take<T>(rank: number): Promise<T>;
  /** Whether it is true of any rank. */
  any(isTrue: boolean): Promise<boolean>;
  /** Waits until all are here. */
  barrier(): Promise<void>;
}

/** The sum of a node of the tree. */
export type Part = readonly [TreeNode, Float32Array];

/** One process, without others. */
export const ALONE: Cluster = {
  rank: 0,
  size: 1,
  spent: { waitMs: 0, exchangeMs: 0, sentBytes: 0 },
  allReduce: (numLeaves, parts, add) => sumOfNodes(numLeaves, parts, add),
  broadcast: async (value) => value,
  broadcastInto: async () => {},
  gather: async (value) => [value],
  give: async () => {},
  take: async (rank) => {
    throw new Error(`there is no rank ${rank}`);
  },
  any: async (isTrue) => isTrue,
  barrier: async () => {},
};
