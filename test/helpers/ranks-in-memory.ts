/** Ranks as promises of one process, for what needs no MPI to be tested. */

import type { Add, Cluster, Part } from '../../src/cluster/index.ts';
import { sumOfNodes } from '../../src/cluster/index.ts';

/** Where all ranks meet: the last one to come decides what each of them gets. */
class Meeting {
  readonly #size: number;
  #given: unknown[] = [];
  #waiting: ((all: readonly unknown[]) => void)[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** What all ranks gave, by rank. */
  meet(rank: number, value: unknown): Promise<readonly unknown[]> {
    this.#given[rank] = structuredClone(value);
    const met = new Promise<readonly unknown[]>((resolve) => this.#waiting.push(resolve));
    if (this.#waiting.length === this.#size) {
      const [all, waiting] = [this.#given, this.#waiting];
      [this.#given, this.#waiting] = [[], []];
      for (const resolve of waiting) resolve(all);
    }
    return met;
  }
}

/** Values on their way to one who takes them. */
class Mail {
  readonly #values: unknown[] = [];
  readonly #waiting: ((value: unknown) => void)[] = [];

  give(value: unknown): void {
    const next = this.#waiting.shift();
    if (next) next(structuredClone(value));
    else this.#values.push(structuredClone(value));
  }

  take(): Promise<unknown> {
    return this.#values.length > 0
      ? Promise.resolve(this.#values.shift())
      : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

export function ranksInMemory(size: number): Cluster[] {
  const meeting = new Meeting(size);
  const mails = Array.from({ length: size }, () => new Mail());
  return Array.from({ length: size }, (_, rank): Cluster => {
    const meet = <T>(value: T) => meeting.meet(rank, value) as Promise<readonly T[]>;
    return {
      rank,
      size,
      spent: { waitMs: 0, exchangeMs: 0, sentBytes: 0 },
      allReduce: async (numLeaves: number, parts: readonly Part[], add: Add) =>
        sumOfNodes(numLeaves, (await meet(parts)).flat(), add),
      broadcast: async (value) => (await meet(value))[0] as typeof value,
      broadcastInto: async (numbers) => numbers.set((await meet(numbers))[0] as Float32Array),
      gather: async (value) => {
        const all = await meet(value);
        return rank === 0 ? all : [];
      },
      give: async (value) => mails[rank].give(value),
      take: <T>(from: number) => mails[from].take() as Promise<T>,
      any: async (isTrue) => (await meet(isTrue)).includes(true),
      barrier: async () => {
        await meet(undefined);
      },
    };
  });
}
