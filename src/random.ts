/**
 * Random numbers by name: (seed, labels…) names a stream, and the n-th number of a stream is a function of
 * that name and n alone.
 * Nothing has a state that a checkpoint would have to keep: a resumed step draws what the undisturbed one
 * would have drawn.
 *
 * Names become keys by Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as
 * 1, 2, 3"), the counter-based generator that
 * JAX uses. A stream is short and read from its start, so within it a sequential generator does, and is ten
 * times as fast: xoshiro128++ (Blackman & Vigna
 * 2019). Normal draws come by the ziggurat (Marsaglia & Tsang 2000, as corrected by Doornik 2005): a fifth of
 * the time of Box–Muller over Threefry.
 */

const PARITY = 0x1bd11bda;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** A stream's name, hashed to the two words of a Threefry key. */
export type StreamKey = readonly [number, number];

/**
 * One block of Threefry-2x32-20: two words of key and two of counter give two random words, written to `out`.
 */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  out: Uint32Array | Int32Array,
): void {
  const key2 = key0 ^ key1 ^ PARITY;
  let x = (counter0 + key0) | 0;
  let y = (counter1 + key1) | 0;
  for (let group = 0; group < 5; group++) {
    const first = (group & 1) << 2;
    for (let round = 0; round < 4; round++) {
      const rotation = ROTATIONS[first + round] as number;
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

/**
 * Hashes a seed and any labels (stage, step, purpose) to a key. Equal names give equal keys on every machine.
 */
export function streamKey(seed: number, ...labels: (string | number)[]): StreamKey {
  const block = new Int32Array(2);
  let key: [number, number] = [seed | 0, Math.floor(seed / 2 ** 32) | 0];
  for (const label of labels) {
    const [low, high] =
      typeof label === 'number' ? [label | 0, Math.floor(label / 2 ** 32) | 0] : hashText(label);
    threefry2x32(key[0], key[1], low, high, block);
    key = [block[0] as number, block[1] as number];
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

/** The layers of the ziggurat: edges x_i, with equal areas V above each, and the ratios of neighbours. */
const LAYERS = 128;
const TAIL = 3.442619855899;
const AREA = 9.91256303526217e-3;
const EDGES = new Float64Array(LAYERS + 1);
const RATIOS = new Float64Array(LAYERS);
fillLayers();

function fillLayers(): void {
  let density = Math.exp(-0.5 * TAIL * TAIL);
  EDGES[0] = AREA / density;
  EDGES[1] = TAIL;
  for (let i = 2; i < LAYERS; i++) {
    const edge = Math.sqrt(-2 * Math.log(AREA / edgeOf(i - 1) + density));
    EDGES[i] = edge;
    density = Math.exp(-0.5 * edge * edge);
  }
  for (let i = 0; i < LAYERS; i++) RATIOS[i] = edgeOf(i + 1) / edgeOf(i);
}

function edgeOf(layer: number): number {
  return EDGES[layer] as number;
}

/**
 * Fills with words of xoshiro128++ and moves its state on: bulk, so that the state stays in registers.
 * @param state four words, not all zero
 */
export function xoshiro128(state: Int32Array, out: Int32Array): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let i = 0; i < out.length; i++) {
    const sum = (a + d) | 0;
    out[i] = (((sum << 7) | (sum >>> 25)) + a) | 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
  }
  state.set([a, b, c, d]);
}

/**
 * Normal draws from words, one each, up to the first word that falls beside its layer's rectangle; returns
 * how many were drawn.
 */
function likelyNormals(
  words: Int32Array,
  used: number,
  out: Float32Array,
  begin: number,
  count: number,
): number {
  for (let i = 0; i < count; i++) {
    const word = words[used + i] as number;
    const layer = word & (LAYERS - 1);
    const place = (word >> 7) * 2 ** -24;
    if (Math.abs(place) >= (RATIOS[layer] as number)) return i;
    out[begin + i] = place * (EDGES[layer] as number);
  }
  return count;
}

/** Words drawn at a time. */
const BUFFERED = 1024;

/** Reads one named stream from its start. Create it anew wherever it is needed; it costs nothing. */
export class RandomStream {
  readonly #state: Int32Array;
  #words = new Int32Array(0);
  #used = 0;

  constructor(seed: number, ...labels: (string | number)[]) {
    const [key0, key1] = streamKey(seed, ...labels);
    this.#state = new Int32Array(4);
    threefry2x32(key0, key1, 0, 0, this.#state.subarray(0, 2));
    threefry2x32(key0, key1, 1, 0, this.#state.subarray(2, 4));
    (this.#state[3] as number) |= 1;
  }

  /** Words are drawn ahead. The first buffers are short: many streams give a number or two. */
  #refill(): Int32Array {
    if (this.#words.length < BUFFERED) this.#words = new Int32Array(Math.max(2, 4 * this.#words.length));
    xoshiro128(this.#state, this.#words);
    this.#used = 0;
    return this.#words;
  }

  /** The next 32 random bits, as an unsigned integer. */
  nextWord(): number {
    const words = this.#used === this.#words.length ? this.#refill() : this.#words;
    return (words[this.#used++] as number) >>> 0;
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

  /** Uniform draws in [low, low + 1). */
  uniforms(length: number, low = 0): Float32Array {
    return this.fillUniforms(new Float32Array(length), low);
  }

  /** Standard normal draws. */
  normals(length: number): Float32Array {
    return this.fillNormals(new Float32Array(length));
  }

  /**
   * Fills with uniform draws in [low, low + 1). Large arrays are best used again and again: a fresh one costs
   * more than its numbers.
   */
  fillUniforms(out: Float32Array, low = 0): Float32Array {
    for (let begin = 0; begin < out.length; ) {
      const words = this.#used === this.#words.length ? this.#refill() : this.#words;
      const used = this.#used;
      const count = Math.min(words.length - used, out.length - begin);
      for (let i = 0; i < count; i++) out[begin + i] = ((words[used + i] as number) >>> 8) * 2 ** -24 + low;
      this.#used += count;
      begin += count;
    }
    return out;
  }

  /**
   * Fills with standard normal draws. The low bits of a word choose the ziggurat's layer, the others the
   * place in it: most often that is all.
   */
  fillNormals(out: Float32Array): Float32Array {
    for (let begin = 0; begin < out.length; ) {
      const words = this.#used === this.#words.length ? this.#refill() : this.#words;
      const count = Math.min(words.length - this.#used, out.length - begin);
      const likely = likelyNormals(words, this.#used, out, begin, count);
      begin += likely;
      this.#used += likely;
      if (likely === count) continue;
      const word = words[this.#used++] as number;
      out[begin++] = this.#unlikely(word & (LAYERS - 1), (word >> 7) * 2 ** -24);
    }
    return out;
  }

  /** A draw whose first word fell beside the layer's rectangle. */
  #unlikely(firstLayer: number, firstPlace: number): number {
    let [layer, place] = [firstLayer, firstPlace];
    for (;;) {
      const [edge, above] = [edgeOf(layer), edgeOf(layer + 1)];
      const x = place * edge;
      if (Math.abs(place) < (RATIOS[layer] as number)) return x;
      if (layer === 0) return this.#tail(place < 0);
      const outer = Math.exp(-0.5 * (edge * edge - x * x));
      const inner = Math.exp(-0.5 * (above * above - x * x));
      if (inner + this.nextUniform() * (outer - inner) < 1) return x;
      const word = this.nextWord() | 0;
      layer = word & (LAYERS - 1);
      place = (word >> 7) * 2 ** -24;
    }
  }

  /** A draw beyond the last edge (Marsaglia 1964). */
  #tail(isNegative: boolean): number {
    let [x, y] = [0, 0];
    do {
      x = -Math.log(1 - this.nextUniform()) / TAIL;
      y = -Math.log(1 - this.nextUniform());
    } while (2 * y < x * x);
    return isNegative ? -TAIL - x : TAIL + x;
  }
}

/**
 * The `index`-th element of a pseudo-random permutation of 0 … size − 1: a four-round Feistel network over
 * the next even number of bits,
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
      [left, right] = [right, (left ^ ((block[0] as number) & (half - 1))) >>> 0];
    }
    value = left * half + right;
  } while (value >= size);
  return value;
}
