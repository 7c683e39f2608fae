/**
 * The loop of AdamW in WebAssembly, four numbers at a time: a module of one function, assembled here. Per
 * number it takes 0.8 ns in the cache (the same loop in JavaScript 13); the rest is memory. Numbers that live
 * in the module's memory are updated where they are, others are copied in and out by blocks.
 */

/** Constants of the update. */
export interface AdamWAttributes {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled weight decay; 0 for none. */
  readonly weightDecay: number;
}

/** What changes from step to step. */
export interface AdamWScalars {
  /**
   * What the gradient is multiplied by: the clipping. 0 leaves everything as it is, whatever the gradient.
   */
  readonly scale: number;
  readonly learningRate: number;
  /** 1 − β₁ᵗ. */
  readonly correction1: number;
  /** 1 − β₂ᵗ. */
  readonly correction2: number;
}

/** A parameter, its moments and its gradient, of one length. */
export interface AdamWArrays {
  readonly parameter: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly gradient: Float32Array;
}

type Scalars = [
  scale: number,
  beta1: number,
  rest1: number,
  beta2: number,
  rest2: number,
  kept: number,
  rate: number,
  inverse: number,
  epsilon: number,
];
type OfEach<List extends readonly unknown[], T> = { [Index in keyof List]: T };
type Update = (
  parameter: number,
  first: number,
  second: number,
  gradient: number,
  bytes: number,
  ...scalars: Scalars
) => void;

/** Numbers that are copied in and out at a time; four blocks of this size fit the fastest caches. */
const BLOCK = 4096;
/** WebAssembly's unit of memory, and how much a module can have. */
const [PAGE, MOST_BYTES] = [65536, 2 ** 32];

/** Memory for parameters, moments and gradients, and the function that updates them there. */
export class AdamWMemory {
  readonly #buffer: ArrayBuffer;
  readonly #update: Update;
  #used = 0;

  private constructor(numBytes: number) {
    const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi })
      .WebAssembly;
    const memory = new Memory({ initial: Math.ceil(numBytes / PAGE) });
    this.#buffer = memory.buffer;
    this.#update = new Instance(new Module(assemble()), { calm: { memory } }).exports.update;
  }

  /** Room for four arrays of each of these lengths; undefined where it is more than a module can have. */
  static forLengths(lengths: readonly number[]): AdamWMemory | undefined {
    const numBytes = lengths.reduce((sum, length) => sum + 4 * bytesOf(length), 0);
    return numBytes <= MOST_BYTES - PAGE ? new AdamWMemory(numBytes) : undefined;
  }

  /** The next four arrays of a length. */
  allocate(length: number): AdamWArrays {
    const next = () => {
      const array = new Float32Array(this.#buffer, this.#used, length);
      this.#used += bytesOf(length);
      return array;
    };
    return { parameter: next(), first: next(), second: next(), gradient: next() };
  }

  /** Updates parameter and moments, arrays of this memory, in place. The gradient is left as it is. */
  update(
    { parameter, first, second, gradient }: AdamWArrays,
    scalars: AdamWScalars,
    attributes: AdamWAttributes,
  ): void {
    const { scale, learningRate, correction1, correction2 } = scalars;
    if (scale === 0) return;
    const { beta1, beta2, epsilon, weightDecay } = attributes;
    const [kept, rate, inverse] = [
      1 - learningRate * weightDecay,
      learningRate / correction1,
      1 / Math.sqrt(correction2),
    ];
    this.#update(
      ...([parameter, first, second, gradient].map(({ byteOffset }) => byteOffset) as [
        number,
        number,
        number,
        number,
      ]),
      bytesOf(parameter.length),
      ...([scale, beta1, 1 - beta1, beta2, 1 - beta2, kept, rate, inverse, epsilon] as Scalars),
    );
  }
}

/** Of an array in the memory: whole vectors of four numbers. */
function bytesOf(length: number): number {
  return 16 * Math.ceil(length / 4);
}

let shared: { readonly memory: AdamWMemory; readonly block: AdamWArrays } | undefined;

/** Updates arrays that live anywhere, from one set into another, which may be the same. */
export function updateArrays(
  from: AdamWArrays,
  scalars: AdamWScalars,
  attributes: AdamWAttributes,
  into: Omit<AdamWArrays, 'gradient'>,
): void {
  if (!shared) {
    const memory = AdamWMemory.forLengths([BLOCK]) as AdamWMemory;
    shared = { memory, block: memory.allocate(BLOCK) };
  }
  const { memory, block } = shared;
  for (let begin = 0; begin < from.parameter.length; begin += BLOCK) {
    const count = Math.min(BLOCK, from.parameter.length - begin);
    for (const name of ['parameter', 'first', 'second', 'gradient'] as const)
      block[name].set(from[name].subarray(begin, begin + count));
    memory.update(block, scalars, attributes);
    for (const name of ['parameter', 'first', 'second'] as const)
      into[name].set(block[name].subarray(0, count), begin);
  }
}

/** The part of the global that is used; TypeScript declares it for browsers only. */
interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { calm: { memory: object } },
  ) => { readonly exports: { readonly update: Update } };
}

// WebAssembly's binary format (core specification 2.0, chapter 5): numbers are LEB128, sections and vectors
// begin with their lengths.

const [I32, F32, V128, FUNCTION, EMPTY] = [0x7f, 0x7d, 0x7b, 0x60, 0x40];
/**
 * Parameters: four addresses, a number of bytes, and scalars. Locals: the scalars four times over, and g, m,
 * v.
 */
const [PARAMETER, FIRST, SECOND, GRADIENT, BYTES] = [0, 1, 2, 3, 4];
const [SCALARS, NUM_SCALARS] = [5, 9];
const WIDE = SCALARS + NUM_SCALARS;
const [G, M, V] = [WIDE + NUM_SCALARS, WIDE + NUM_SCALARS + 1, WIDE + NUM_SCALARS + 2];

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}
const section = (id: number, bytes: readonly number[]) => [id, ...leb(bytes.length), ...bytes];
const simd = (code: number) => [0xfd, ...leb(code)];
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const load = (address: number) => [...get(address), ...simd(0x00), 4, 0];
const store = (address: number, value: readonly number[]) => [...get(address), ...value, ...simd(0x0b), 4, 0];
const add = (a: readonly number[], b: readonly number[]) => [...a, ...b, ...simd(0xe4)];
const sub = (a: readonly number[], b: readonly number[]) => [...a, ...b, ...simd(0xe5)];
const mul = (a: readonly number[], b: readonly number[]) => [...a, ...b, ...simd(0xe6)];
const div = (a: readonly number[], b: readonly number[]) => [...a, ...b, ...simd(0xe7)];
const sqrt = (a: readonly number[]) => [...a, ...simd(0xe3)];
const increment = (local: number, by: number) => [...get(local), 0x41, by, 0x6a, ...set(local)];

/**
 * m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← kept·p − rate·m / (√v·inverse + ε), g being the scaled
 * gradient; 16 bytes a turn.
 */
function assemble(): Uint8Array {
  const wide = Array.from({ length: NUM_SCALARS }, (_, i) => get(WIDE + i));
  const [scale, beta1, rest1, beta2, rest2, kept, rate, inverse, epsilon] = wide as OfEach<Scalars, number[]>;
  const splats = Array.from({ length: NUM_SCALARS }, (_, i) => [
    ...get(SCALARS + i),
    ...simd(0x13),
    ...set(WIDE + i),
  ]).flat();
  const body = [
    ...[...mul(load(GRADIENT), scale), ...set(G)],
    ...[...add(mul(load(FIRST), beta1), mul(get(G), rest1)), ...set(M)],
    ...[...add(mul(load(SECOND), beta2), mul(mul(get(G), rest2), get(G))), ...set(V)],
    ...store(FIRST, get(M)),
    ...store(SECOND, get(V)),
    ...store(
      PARAMETER,
      sub(mul(load(PARAMETER), kept), div(mul(get(M), rate), add(mul(sqrt(get(V)), inverse), epsilon))),
    ),
    ...[PARAMETER, FIRST, SECOND, GRADIENT].flatMap((address) => increment(address, 16)),
    // bytes −= 16; again while there are any
    ...[...get(BYTES), 0x41, 16, 0x6b, 0x22, BYTES, 0x0d, 0],
  ];
  const code = [1, NUM_SCALARS + 3, V128, ...splats, 0x03, EMPTY, ...body, 0x0b, 0x0b];
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const parameters = [...new Array<number>(SCALARS).fill(I32), ...new Array<number>(NUM_SCALARS).fill(F32)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, FUNCTION, parameters.length, ...parameters, 0]),
    ...section(2, [1, ...name('calm'), ...name('memory'), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('update'), 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}
