/**
 * Counter-based random numbers: (seed, labels…) names a stream, and the n-th number of a stream is a function of that name and n alone.
 * Nothing has a state that a checkpoint would have to keep: a resumed step draws what the undisturbed one would have drawn.
 *
 * Generator: Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), the one that JAX uses.
 */

const PARITY = 0x1bd11bda;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** A stream's name, hashed to the two words of a Threefry key. */
export type StreamKey = readonly [number, number];

/** One block of Threefry-2x32-20: two words of key and two of counter give two random words, written to `out`. */
export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number, out: Uint32Array | Int32Array): void {
  const key2 = key0 ^ key1 ^ PARITY;
  let x = (counter0 + key0) | 0;
  let y = (counter1 + key1) | 0;
  for (let group = 0; group < 5; group++) {
    const first = (group & 1) << 2;
    for (let round = 0; round < 4; round++) {
      const rotation = ROTATIONS[first + round];
      x = (x + y) | 0;
      y = ((y << rotation) | (y >>> (32 - rotation))) ^ x;
    }
    const next = (group + 1) % 3;
    const afterNext = (group + 2) % 3;
    x = (x + (next === 0 ? key0 : next === 1 ? key1 : key2)) | 0;
    y = (y + (afterNext === 0 ? key0 : afterNext === 1 ? key1 : key2) + group + 1) | 0;
  }
  out[0] = x;
  out[1] = y;
}

/** Hashes a seed and any labels (stage, step, purpose) to a key. Equal names give equal keys on every machine. */
export function streamKey(seed: number, ...labels: (string | number)[]): StreamKey {
  const block = new Int32Array(2);
  let key: [number, number] = [seed | 0, Math.floor(seed / 2 ** 32) | 0];
  for (const label of labels) {
    const [low, high] = typeof label === 'number' ? [label | 0, Math.floor(label / 2 ** 32) | 0] : hashText(label);
    threefry2x32(key[0], key[1], low, high, block);
    key = [block[0], block[1]];
  }
  return key;
}

/** FNV-1a over UTF-16 code units, once from each end: 64 bits in two words. */
function hashText(text: string): [number, number] {
  let forward = 0x811c9dc5;
  let backward = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    forward = Math.imul(forward ^ text.charCodeAt(i), 0x01000193);
    backward = Math.imul(backward ^ text.charCodeAt(text.length - 1 - i), 0x85ebca6b);
  }
  return [forward | 0, backward | 0];
}

/** Reads one named stream from its start. Create it anew wherever it is needed; it costs nothing. */
export class RandomStream {
  readonly #key: StreamKey;
  readonly #block = new Uint32Array(2);
  #counter = 0;
  #used = 2;

  constructor(seed: number, ...labels: (string | number)[]) {
    this.#key = streamKey(seed, ...labels);
  }

  /** The next 32 random bits, as an unsigned integer. */
  nextWord(): number {
    if (this.#used === 2) {
      threefry2x32(this.#key[0], this.#key[1], this.#counter | 0, Math.floor(this.#counter / 2 ** 32) | 0, this.#block);
      this.#counter++;
      this.#used = 0;
    }
    return this.#block[this.#used++];
  }

  /** Uniform in [0, 1), 24 bits: exact as a float32. */
  nextUniform(): number {
    return (this.nextWord() >>> 8) * 2 ** -24;
  }

  /** Uniform integer in [0, bound), by rejection, hence without bias. */
  nextInteger(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let word = this.nextWord();
    while (word >= limit) word = this.nextWord();
    return word % bound;
  }

  /** `length` uniform draws in [low, low + 1). */
  uniforms(length: number, low = 0): Float32Array {
    const out = new Float32Array(length);
    for (let i = 0; i < length; i++) out[i] = this.nextUniform() + low;
    return out;
  }

  /** `length` standard normal draws (Box–Muller). */
  normals(length: number): Float32Array {
    const out = new Float32Array(length);
    for (let i = 0; i < length; i += 2) {
      const radius = Math.sqrt(-2 * Math.log(1 - this.nextUniform()));
      const angle = 2 * Math.PI * this.nextUniform();
      out[i] = radius * Math.cos(angle);
      if (i + 1 < length) out[i + 1] = radius * Math.sin(angle);
    }
    return out;
  }
}

/**
 * The `index`-th element of a pseudo-random permutation of 0 … size − 1: a four-round Feistel network over the next even number of bits,
 * walked until it lands inside. Shuffles an epoch of any length without a table.
 */
export function permutedIndex(index: number, size: number, key: StreamKey): number {
  if (size <= 1) return 0;
  const halfBits = Math.max(1, Math.ceil(Math.log2(size) / 2));
  const half = 2 ** halfBits;
  const block = new Uint32Array(2);
  let value = index;
  do {
    let left = Math.floor(value / half);
    let right = value % half;
    for (let round = 0; round < 4; round++) {
      threefry2x32(key[0], key[1], right, round, block);
      [left, right] = [right, (left ^ (block[0] & (half - 1))) >>> 0];
    }
    value = left * half + right;
  } while (value >= size);
  return value;
}
