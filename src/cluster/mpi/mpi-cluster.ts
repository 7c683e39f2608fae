/**
 * A cluster by MPI. Every call is one that returns at once, and whoever waits asks again and again: so timers
 * and signals are heard, the rank that is waited for has a name, and one that fails can tell all others.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { type CalmError, rankFailed } from '../../errors.ts';
import type { Cluster, Part, Spent } from '../cluster.ts';
import { type Add, nodesOf, sumOfNodes, type TreeNode } from '../tree.ts';
import type { Watch } from '../watch.ts';
import type { Mpi, Request } from './library.ts';

/** Messages of one kind between two ranks keep their order. */
const TAGS = { value: 1, floats: 2, meeting: 3, failure: 4, part: 16 } as const;

/** Larger ones are cut: the lengths of MPI are ints, and of some transports less. */
const LONGEST_MESSAGE = 2 ** 28;
/** A failure in words. Short messages go off at once, whether or not they are waited for. */
const FAILURE_BYTES = 2 ** 12;
const LONGEST_WORDS = 1000;
const REQUEST_BYTES = 64;
/** So long a wait asks without pause; after it, once a millisecond. */
const EAGER_MS = 2;
const EAGER_MS_OF_SUMS = 500;
const WATCH_EVERY_MS = 1000;
/** A failure is told within this time, or not at all. */
const TELLING_MS = 2000;

/** A request that is open, and the rank that it is about. */
interface Open {
  readonly request: Request;
  readonly rank: number;
  /** Kept until the request is done. */
  readonly bytes: Uint8Array;
}

/** What a rank tells the others before it ends. */
interface Failure {
  readonly rank: number;
  readonly host: string;
  readonly error: { code: string; message: string; hint: string | undefined; exitCode: number };
}

export class MpiCluster implements Cluster {
  readonly rank: number;
  readonly size: number;
  readonly #mpi: Mpi;
  readonly #host: string;
  readonly #spent = { waitMs: 0, exchangeMs: 0, sentBytes: 0 };
  readonly #failure: { readonly request: Request; readonly bytes: Uint8Array };
  #watch: Watch | undefined;
  #failed: CalmError | undefined;
  #hasFirstFailed = false;

  /** Joins the ranks that the launcher has started. @param host named where this rank fails */
  constructor(mpi: Mpi, host: string) {
    [this.#mpi, this.#host] = [mpi, host];
    ({ rank: this.rank, size: this.size } = mpi.start());
    this.#failure = { request: newRequest(), bytes: newBytes(FAILURE_BYTES) };
    this.#hearFailures();
  }

  #hearFailures(): void {
    this.#mpi.receive(this.#failure.bytes, undefined, TAGS.failure, this.#failure.request);
  }

  get spent(): Spent {
    return { ...this.#spent };
  }

  /** From here on whoever waits looks whether the others live. */
  watchWith(watch: Watch): void {
    this.#watch = watch;
  }

  async broadcast<T>(value: T): Promise<T> {
    const { parent, children } = this.#branch();
    const bytes = parent === undefined ? plain(serialize(value)) : await this.#receiveValue(parent);
    await this.#wait(children.flatMap((child) => this.#sendValue(bytes, child)));
    return parent === undefined ? value : (deserialize(bytes) as T);
  }

  async broadcastInto(numbers: Float32Array): Promise<void> {
    const bytes = bytesOf(numbers);
    const { parent, children } = this.#branch();
    for (const piece of pieces(bytes)) {
      if (parent !== undefined) await this.#wait([this.#receive(piece, parent, TAGS.floats)]);
      await this.#wait(children.map((child) => this.#send(piece, child, TAGS.floats)));
    }
  }

  async gather<T>(value: T): Promise<readonly T[]> {
    if (this.rank > 0) {
      await this.give(value);
      return [];
    }
    const values = [value];
    for (const rank of this.#others()) values[rank] = await this.take<T>(rank);
    return values;
  }

  async give<T>(value: T): Promise<void> {
    await this.#wait(this.#sendValue(plain(serialize(value)), 0));
  }

  async take<T>(rank: number): Promise<T> {
    return deserialize(await this.#receiveValue(rank)) as T;
  }

  /** In rounds, with a rank that is twice as far each time: after the last, all have heard of all. */
  async any(isTrue: boolean): Promise<boolean> {
    const said = newBytes(2);
    const [own, heard] = [said.subarray(0, 1), said.subarray(1)];
    own[0] = Number(isTrue);
    for (let distance = 1; distance < this.size; distance *= 2) {
      const before = (this.rank - distance + this.size) % this.size;
      const behind = (this.rank + distance) % this.size;
      await this.#wait([this.#receive(heard, before, TAGS.meeting), this.#send(own, behind, TAGS.meeting)]);
      own[0] = Number(own[0]) | Number(heard[0]);
    }
    return own[0] === 1;
  }

  async barrier(): Promise<void> {
    await this.any(false);
  }

  /**
   * Every rank sums one slice: all send it theirs, it adds them up in the tree's order, and sends the sum to
   * all. That moves no more bytes than any other way, and the order is ours.
   */
  async allReduce(numLeaves: number, parts: readonly Part[], add: Add): Promise<Float32Array> {
    const length = parts[0]?.[1].length ?? 0;
    const startedMs = performance.now();
    await this.barrier();
    const metMs = performance.now();
    const own = await this.#sliceSum(numLeaves, parts, length, add);
    const sum = newFloats(length);
    sum.set(own, this.#slice(length, this.rank)[0]);
    await this.#shareSlices(sum);
    this.#spent.waitMs += metMs - startedMs;
    this.#spent.exchangeMs += performance.now() - metMs;
    return sum;
  }

  async #sliceSum(
    numLeaves: number,
    parts: readonly Part[],
    length: number,
    add: Add,
  ): Promise<Float32Array> {
    const [from, to] = this.#slice(length, this.rank);
    const nodes: [TreeNode, Float32Array][] = parts.map(([node, sum]) => [node, sum.subarray(from, to)]);
    const open: Open[] = [];
    for (const rank of this.#others()) {
      for (const [i, node] of nodesOf(numLeaves, rank, this.size).entries()) {
        const sum = newFloats(to - from);
        nodes.push([node, sum]);
        open.push(this.#receive(bytesOf(sum), rank, TAGS.part + i));
      }
    }
    for (const rank of this.#others()) {
      const [first, end] = this.#slice(length, rank);
      for (const [i, [, sum]] of parts.entries())
        open.push(this.#sendPart(bytesOf(sum.subarray(first, end)), rank, TAGS.part + i));
    }
    await this.#wait(open, EAGER_MS_OF_SUMS);
    return sumOfNodes(numLeaves, nodes, add);
  }

  async #shareSlices(sum: Float32Array): Promise<void> {
    const slice = (rank: number) => bytesOf(sum.subarray(...this.#slice(sum.length, rank)));
    const own = slice(this.rank);
    await this.#wait(
      [
        ...this.#others().map((rank) => this.#receive(slice(rank), rank, TAGS.floats)),
        ...this.#others().map((rank) => this.#sendPart(own, rank, TAGS.floats)),
      ],
      EAGER_MS_OF_SUMS,
    );
  }

  #slice(length: number, rank: number): [from: number, to: number] {
    return [Math.floor((rank * length) / this.size), Math.floor(((rank + 1) * length) / this.size)];
  }

  #sendPart(bytes: Uint8Array, rank: number, tag: number): Open {
    this.#spent.sentBytes += bytes.length;
    return this.#send(bytes, rank, tag);
  }

  /** Ends together with all others. */
  async leave(): Promise<void> {
    await this.barrier();
    await this.#watch?.end();
    this.#mpi.cancel(this.#failure.request);
    while (!this.#mpi.isDone(this.#failure.request)) await nextTurn();
    this.#mpi.finish();
  }

  /**
   * Tells all others that this rank ends, and why; they throw it where they wait. Whoever is not the first
   * then waits for the first to have told: a launcher ends all when one ends, and the first has things to save.
   */
  async fail(error: CalmError): Promise<void> {
    await this.#tell(error);
    while (this.rank > 0 && !this.#hasFirstFailed) {
      this.#hear();
      this.#watch?.look([0]);
      await sleep(10);
    }
    await this.#watch?.end();
  }

  async #tell(error: CalmError): Promise<void> {
    const { code, message, hint, exitCode } = error;
    const failure: Failure = {
      rank: this.rank,
      host: this.#host,
      error: {
        code,
        message: message.slice(0, LONGEST_WORDS),
        hint: hint?.slice(0, LONGEST_WORDS),
        exitCode,
      },
    };
    const bytes = newBytes(FAILURE_BYTES);
    bytes.set(serialize(failure).subarray(0, FAILURE_BYTES));
    const open = this.#others().map((rank) => this.#send(bytes, rank, TAGS.failure));
    const endMs = performance.now() + TELLING_MS;
    while (performance.now() < endMs && !open.every(({ request }) => this.#mpi.isDone(request)))
      await sleep(1);
  }

  #others(): number[] {
    return Array.from({ length: this.size }, (_, rank) => rank).filter((rank) => rank !== this.rank);
  }

  /** The place of this rank in a binomial tree whose root is the first. */
  #branch(): { parent: number | undefined; children: number[] } {
    const children: number[] = [];
    for (let distance = 1; distance < this.size; distance *= 2) {
      if (this.rank & distance) return { parent: this.rank - distance, children: children.reverse() };
      if (this.rank + distance < this.size) children.push(this.rank + distance);
    }
    return { parent: undefined, children: children.reverse() };
  }

  #send(bytes: Uint8Array, rank: number, tag: number): Open {
    const open = { request: newRequest(), rank, bytes };
    this.#mpi.send(bytes, rank, tag, open.request);
    return open;
  }

  #receive(bytes: Uint8Array, rank: number, tag: number): Open {
    const open = { request: newRequest(), rank, bytes };
    this.#mpi.receive(bytes, rank, tag, open.request);
    return open;
  }

  /** Its length, then itself. */
  #sendValue(bytes: Uint8Array, rank: number): Open[] {
    const length = newBytes(8);
    new DataView(length.buffer).setFloat64(0, bytes.length);
    return [length, ...pieces(bytes)].map((piece) => this.#send(piece, rank, TAGS.value));
  }

  async #receiveValue(rank: number): Promise<Uint8Array> {
    const length = newBytes(8);
    await this.#wait([this.#receive(length, rank, TAGS.value)]);
    const bytes = newBytes(new DataView(length.buffer).getFloat64(0));
    for (const piece of pieces(bytes)) await this.#wait([this.#receive(piece, rank, TAGS.value)]);
    return bytes;
  }

  /** Until all are done. @param eagerMs how long without pauses since one of them was */
  async #wait(open: readonly Open[], eagerMs = EAGER_MS): Promise<void> {
    let waiting = open;
    let movedMs = performance.now();
    let watchedMs = movedMs;
    for (;;) {
      const still = waiting.filter(({ request }) => !this.#mpi.isDone(request));
      const nowMs = performance.now();
      if (still.length < waiting.length) [waiting, movedMs] = [still, nowMs];
      if (waiting.length === 0) return;
      this.#throwIfFailed();
      if (this.#watch && nowMs - watchedMs > WATCH_EVERY_MS) {
        watchedMs = nowMs;
        this.#watch.look(waiting.map(({ rank }) => rank));
      }
      await (nowMs - movedMs < eagerMs ? nextTurn() : sleep(1));
    }
  }

  #throwIfFailed(): void {
    this.#hear();
    if (this.#failed) throw this.#failed;
  }

  #hear(): void {
    if (!this.#mpi.isDone(this.#failure.request)) return;
    const { rank, host, error } = deserialize(this.#failure.bytes) as Failure;
    this.#failed ??= rankFailed(rank, host, error);
    this.#hasFirstFailed ||= rank === 0;
    this.#hearFailures();
  }
}

/** Of an array of its own: small ones within Node's heap may move. */
function newBytes(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

function newRequest(): Request {
  return newBytes(REQUEST_BYTES);
}

function newFloats(length: number): Float32Array {
  return new Float32Array(new ArrayBuffer(4 * length));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function plain(buffer: Buffer): Uint8Array {
  const bytes = newBytes(buffer.length);
  bytes.set(buffer);
  return bytes;
}

function pieces(bytes: Uint8Array): Uint8Array[] {
  const starts = Array.from(
    { length: Math.ceil(bytes.length / LONGEST_MESSAGE) },
    (_, i) => i * LONGEST_MESSAGE,
  );
  return starts.map((start) => bytes.subarray(start, start + LONGEST_MESSAGE));
}
