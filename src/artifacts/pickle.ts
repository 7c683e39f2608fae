/**
 * The part of Python's pickle format (protocols 2 to 4) that a dictionary of tensors needs. It is read as
 * data: the few names below stand for records that are made here,
 * any other name is refused, and no code of a file is ever run.
 */

/** Where a tensor's numbers are. */
export interface TensorRecord {
  readonly storageType: string;
  readonly storageKey: string;
  /** In numbers, from the storage's beginning. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

const MARK = Symbol('mark');

/** A name that the pickle may say. */
class Name {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }
}

const STORAGE = /^torch\.(\w+Storage)$/;
const ALLOWED = new Set([
  'collections.OrderedDict',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_parameter',
]);

class Tensor {
  readonly record: TensorRecord;

  constructor(record: TensorRecord) {
    this.record = record;
  }
}

/** A pickle that is no dictionary of tensors is refused by what `refuse` makes of the reason. */
export function readPickle(bytes: Uint8Array, refuse: (what: string) => Error): Map<string, TensorRecord> {
  const value = new Unpickler(bytes, refuse).read();
  if (!(value instanceof Map)) throw refuse('something that is no dictionary');
  const tensors = new Map<string, TensorRecord>();
  for (const [name, tensor] of value) {
    if (typeof name !== 'string' || !(tensor instanceof Tensor))
      throw refuse(`"${String(name)}", which is no tensor`);
    tensors.set(name, tensor.record);
  }
  return tensors;
}

class Unpickler {
  readonly #bytes: Buffer;
  readonly #refuse: (what: string) => Error;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  #at = 0;

  constructor(bytes: Uint8Array, refuse: (what: string) => Error) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#refuse = refuse;
  }

  read(): unknown {
    try {
      for (;;) {
        const code = this.#bytes.readUInt8(this.#at++);
        if (code === 0x2e) return this.pop();
        const operation = OPERATIONS[code];
        if (!operation) throw this.#refuse(`the pickle operation 0x${code.toString(16)}`);
        operation(this);
      }
    } catch (error) {
      if (error instanceof RangeError) throw this.#refuse('a pickle that is cut short');
      throw error;
    }
  }

  integer(width: 1 | 2 | 4, isSigned = false): number {
    const at = this.#at;
    this.#at += width;
    return isSigned ? this.#bytes.readIntLE(at, width) : this.#bytes.readUIntLE(at, width);
  }

  float(): number {
    this.#at += 8;
    return this.#bytes.readDoubleBE(this.#at - 8);
  }

  text(length: number): string {
    if (this.#at + length > this.#bytes.length) throw new RangeError('past the end');
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new RangeError('past the end');
    const line = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return line;
  }

  skip(count: number): void {
    this.#at += count;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length === 0) throw this.#refuse('a pickle that takes more than it has');
    return this.#stack.pop();
  }

  popMany(count: number): unknown[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  popToMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw this.#refuse('a pickle without its mark');
    return this.#stack.splice(mark).slice(1);
  }

  top(): unknown {
    return this.#stack.at(-1);
  }

  remember(index = this.#memo.size): void {
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw this.#refuse('a pickle that recalls what it has not said');
    this.push(this.#memo.get(index));
  }

  name(module: string, name: string): void {
    const path = `${module}.${name}`;
    if (!ALLOWED.has(path) && !STORAGE.test(path))
      throw this.#refuse(`"${path}", which is no part of a tensor`);
    this.push(new Name(path));
  }

  /** ("storage", type, key, device, size). */
  storage(): void {
    const parts = this.pop();
    const [kind, type, key] = Array.isArray(parts) ? parts : [];
    const match = type instanceof Name ? STORAGE.exec(type.path) : null;
    if (kind !== 'storage' || !match || typeof key !== 'string')
      throw this.#refuse('a persistent object that is no storage');
    this.push({ storageType: match[1], storageKey: key });
  }

  /** What the allowed names make of their arguments. */
  reduce(): void {
    const [called, given] = this.popMany(2);
    const path = called instanceof Name ? called.path : '';
    const args = Array.isArray(given) ? given : [];
    if (path === 'collections.OrderedDict') this.push(new Map());
    else if (path === 'torch._utils._rebuild_parameter' && args[0] instanceof Tensor) this.push(args[0]);
    else if (path === 'torch._utils._rebuild_tensor_v2') this.push(new Tensor(this.#tensorOf(args)));
    else throw this.#refuse(`a call of ${path || 'something'}`);
  }

  #tensorOf([storage, offset, shape, strides]: unknown[]): TensorRecord {
    const { storageType, storageKey } = (storage ?? {}) as Partial<TensorRecord>;
    const isComplete =
      typeof storageType === 'string' &&
      typeof storageKey === 'string' &&
      typeof offset === 'number' &&
      isNumbers(shape) &&
      isNumbers(strides);
    if (!isComplete) throw this.#refuse('a tensor that is incomplete');
    return { storageType, storageKey, offset, shape, strides };
  }

  put(pairs: readonly unknown[]): void {
    const map = this.top();
    if (!(map instanceof Map)) throw this.#refuse('items without a dictionary');
    for (let i = 0; i < pairs.length; i += 2) map.set(pairs[i], pairs[i + 1]);
  }

  append(items: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.#refuse('items without a list');
    list.push(...items);
  }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

/** LONG1: little-endian two's complement of few bytes. */
function longInteger(from: Unpickler): number {
  const width = from.integer(1);
  let value = 0n;
  let sign = 0n;
  for (let i = 0; i < width; i++) {
    const byte = BigInt(from.integer(1));
    value |= byte << BigInt(8 * i);
    sign = byte & 0x80n;
  }
  return Number(sign ? value - (1n << BigInt(8 * width)) : value);
}

/** By their codes in Python's pickletools. */
const OPERATIONS: Readonly<Record<number, (from: Unpickler) => void>> = {
  128: (from) => from.skip(1), // PROTO
  149: (from) => from.skip(8), // FRAME
  40: (from) => from.push(MARK), // MARK
  48: (from) => void from.pop(), // POP
  78: (from) => from.push(null), // NONE
  136: (from) => from.push(true), // NEWTRUE
  137: (from) => from.push(false), // NEWFALSE
  75: (from) => from.push(from.integer(1)), // BININT1
  77: (from) => from.push(from.integer(2)), // BININT2
  74: (from) => from.push(from.integer(4, true)), // BININT
  138: (from) => from.push(longInteger(from)), // LONG1
  71: (from) => from.push(from.float()), // BINFLOAT
  88: (from) => from.push(from.text(from.integer(4))), // BINUNICODE
  140: (from) => from.push(from.text(from.integer(1))), // SHORT_BINUNICODE
  125: (from) => from.push(new Map()), // EMPTY_DICT
  93: (from) => from.push([]), // EMPTY_LIST
  41: (from) => from.push([]), // EMPTY_TUPLE
  133: (from) => from.push(from.popMany(1)), // TUPLE1
  134: (from) => from.push(from.popMany(2)), // TUPLE2
  135: (from) => from.push(from.popMany(3)), // TUPLE3
  116: (from) => from.push(from.popToMark()), // TUPLE
  108: (from) => from.push(from.popToMark()), // LIST
  97: (from) => from.append(from.popMany(1)), // APPEND
  101: (from) => from.append(from.popToMark()), // APPENDS
  115: (from) => from.put(from.popMany(2)), // SETITEM
  117: (from) => from.put(from.popToMark()), // SETITEMS
  113: (from) => from.remember(from.integer(1)), // BINPUT
  114: (from) => from.remember(from.integer(4)), // LONG_BINPUT
  148: (from) => from.remember(), // MEMOIZE
  104: (from) => from.recall(from.integer(1)), // BINGET
  106: (from) => from.recall(from.integer(4)), // LONG_BINGET
  99: (from) => from.name(from.line(), from.line()), // GLOBAL
  147: (from) => {
    const [module, name] = from.popMany(2);
    from.name(String(module), String(name));
  }, // STACK_GLOBAL
  81: (from) => from.storage(), // BINPERSID
  82: (from) => from.reduce(), // REDUCE
  98: (from) => void from.pop(), // BUILD: the state (metadata of a state dict) is left out
};
