/**
 * zstd by Node's zlib. Node's own stream ends without a word behind the first frame of a piece of input and
 * where a file is cut short, so frames are followed here (RFC 8878, section 3.1).
 */

import { Transform, type TransformCallback } from 'node:stream';
import * as zlib from 'node:zlib';
import { elementAt } from '../../elements.ts';

/** Whether this Node has zstd: 22.15 and newer. */
export const HAS_ZSTD = typeof zlib.createZstdDecompress === 'function';

/** The largest window that a frame may ask for, 2 GiB: `zstd --long=31`. */
const LARGEST_WINDOW_LOG = 31;

export class ZstdFrames extends Transform {
  readonly #frames = new FrameEnds();
  readonly #unpacking: zlib.ZstdDecompress;

  /** @param chunkSize bytes that come out at once */
  constructor(chunkSize: number) {
    super();
    const params = { [zlib.constants.ZSTD_d_windowLogMax]: LARGEST_WINDOW_LOG };
    this.#unpacking = zlib.createZstdDecompress({ chunkSize, params });
    this.#unpacking.on('data', (piece: Buffer) => {
      if (!this.push(piece)) this.#unpacking.pause();
    });
    this.#unpacking.on('error', (error) => this.destroy(error));
  }

  override _transform(packed: Buffer, _: string, done: TransformCallback): void {
    let at = 0;
    const next = () => {
      if (at === packed.length) return done();
      const rest = packed.subarray(at);
      const piece = rest.subarray(0, this.#frames.endIn(rest));
      at += piece.length;
      // Errors are told by the event.
      this.#unpacking.write(piece, (error?: Error | null) => {
        if (!error) next();
      });
    };
    next();
  }

  override _flush(done: TransformCallback): void {
    const problem = this.#frames.isBetween ? null : new Error('it ends in the middle of a frame');
    // What was unpacked before a problem comes out first.
    this.#unpacking.once('end', () => setImmediate(done, problem)).end();
    this.#unpacking.resume();
  }

  override _read(size: number): void {
    super._read(size);
    this.#unpacking.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#unpacking.destroy();
    super._destroy(error, done);
  }
}

type Step = (header: Buffer) => void;

/** Where frames end, by their headers and those of their blocks; what the bytes hold is for zlib to check. */
class FrameEnds {
  /** Bytes to pass over before the next header. */
  #skip = 0;
  #header: Buffer[] = [];
  /** Bytes of the header that are not there yet. */
  #missing = 0;
  #step: Step = () => {};
  #isOver = true;
  #hasChecksum = false;

  /** Whether a frame could begin here. */
  get isBetween(): boolean {
    return this.#isOver && this.#skip === 0;
  }

  /** How many of these bytes belong to the frame that is read: all, where it doesn't end in them. */
  endIn(bytes: Buffer): number {
    for (let at = 0; at < bytes.length; ) {
      if (this.isBetween) this.#begin();
      const wanted = this.#skip || this.#missing;
      const piece = bytes.subarray(at, at + wanted);
      at += piece.length;
      if (this.#skip > 0) this.#skip -= piece.length;
      else this.#take(piece);
      if (this.isBetween) return at;
    }
    return bytes.length;
  }

  #take(piece: Buffer): void {
    this.#header.push(piece);
    this.#missing -= piece.length;
    if (this.#missing > 0) return;
    const header = Buffer.concat(this.#header);
    this.#header = [];
    this.#step(header);
  }

  #want(size: number, step: Step): void {
    this.#missing = size;
    this.#step = step;
  }

  #begin(): void {
    this.#isOver = false;
    this.#want(5, (header) => {
      const magic = header.readUInt32LE();
      if (isSkippable(magic)) this.#want(3, (more) => this.#end(sizeOf(header, more)));
      else if (magic === FRAME) this.#beginBlocks(header.readUInt8(4));
      // What is no frame is for zlib to say.
      else this.#end(Number.POSITIVE_INFINITY);
    });
  }

  #beginBlocks(descriptor: number): void {
    const isSingle = (descriptor & 0x20) > 0;
    this.#hasChecksum = (descriptor & 0x04) > 0;
    const contentSize = elementAt([isSingle ? 1 : 0, 2, 4, 8], descriptor >> 6);
    this.#skip = (isSingle ? 0 : 1) + elementAt([0, 1, 2, 4], descriptor & 3) + contentSize;
    this.#want(3, (block) => this.#readBlock(block));
  }

  #readBlock(block: Buffer): void {
    const header = block.readUIntLE(0, 3);
    const size = (header >> 1) & 3 ? compressedSize(header) : header >> 3;
    if (header & 1) this.#end(size + (this.#hasChecksum ? 4 : 0));
    else {
      this.#skip = size;
      this.#want(3, (next) => this.#readBlock(next));
    }
  }

  #end(remaining: number): void {
    this.#skip = remaining;
    this.#isOver = true;
  }
}

const FRAME = 0xfd2fb528;

const isSkippable = (magic: number) => magic >>> 4 === 0x184d2a5;

function sizeOf(header: Buffer, more: Buffer): number {
  return Buffer.concat([header.subarray(4), more]).readUInt32LE();
}

/** A block of one byte that is repeated takes one byte. */
function compressedSize(header: number): number {
  return ((header >> 1) & 3) === 1 ? 1 : header >> 3;
}
