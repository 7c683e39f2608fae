/**
 * Writes protocol buffers: the few wire types that ONNX models and TensorFlow graphs need. Field numbers
 * stand in their schema.ts.
 */

const [VARINT, LENGTH_DELIMITED] = [0, 2];

export class ProtoWriter {
  readonly #chunks: Uint8Array[] = [];

  /** An integer field (varint). Negative numbers take ten bytes, as the format has it. */
  integer(field: number, value: number): this {
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint(field * 8 + LENGTH_DELIMITED);
    this.#varint(value.byteLength);
    this.#chunks.push(value);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.finish());
  }

  /** A repeated field. */
  messages(field: number, values: readonly ProtoWriter[]): this {
    for (const value of values) this.message(field, value);
    return this;
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  #varint(value: number): void {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    this.#chunks.push(Uint8Array.from(bytes));
  }
}
