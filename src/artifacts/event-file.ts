/**
 * Event files of TensorBoard: records in TensorFlow's TFRecord framing, each an Event protocol buffer. Field
 * numbers are those of tensorboard/compat/proto (event, summary, tensor).
 */

import crc32c from 'crc-32/crc32c.js';
import { PbfReader, PbfWriter } from 'pbf';

/** What one record says. Times are seconds since 1970. */
export type LoggedEvent =
  /** The first record of a file. */
  | { readonly kind: 'version'; readonly wallTime: number }
  /** Numbers by their tags; what is not finite is written as NaN. */
  | {
      readonly kind: 'scalars';
      readonly wallTime: number;
      readonly step: number;
      readonly values: Readonly<Record<string, number | null>>;
    }
  | {
      readonly kind: 'text';
      readonly wallTime: number;
      readonly step: number;
      readonly tag: string;
      readonly text: string;
    };

const FILE_VERSION = 'brain.Event:2';
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2, tensor: 8, metadata: 9 } as const;
const METADATA = { pluginData: 1, dataClass: 4 } as const;
const PLUGIN_DATA = { pluginName: 1 } as const;
const TENSOR = { dtype: 1, shape: 2, stringValue: 8 } as const;
const SHAPE = { dim: 2 } as const;
const DIM = { size: 1 } as const;
const [DT_STRING, DATA_CLASS_TENSOR] = [7, 2];

/** Length, its checksum, the Event, its checksum. */
export function eventRecord(event: LoggedEvent): Uint8Array {
  const payload = eventMessage(event);
  const record = Buffer.alloc(HEADER_BYTES + payload.length + CHECKSUM_BYTES);
  record.writeBigUInt64LE(BigInt(payload.length), 0);
  record.writeUInt32LE(maskedChecksum(record.subarray(0, LENGTH_BYTES)), LENGTH_BYTES);
  record.set(payload, HEADER_BYTES);
  record.writeUInt32LE(maskedChecksum(payload), HEADER_BYTES + payload.length);
  return record;
}

const [LENGTH_BYTES, CHECKSUM_BYTES] = [8, 4];
const HEADER_BYTES = LENGTH_BYTES + CHECKSUM_BYTES;

/** CRC-32C, turned and shifted, so that the checksum of a text that holds checksums stays a good one. */
function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c.buf(bytes) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function eventMessage(event: LoggedEvent): Uint8Array {
  const writer = new PbfWriter();
  writer.writeDoubleField(EVENT.wallTime, event.wallTime);
  if (event.kind === 'version') writer.writeStringField(EVENT.fileVersion, FILE_VERSION);
  else {
    // As in every protocol buffer of version 3, zero is not written.
    if (event.step !== 0) writer.writeVarintField(EVENT.step, event.step);
    message(writer, EVENT.summary, (summary) =>
      event.kind === 'scalars' ? writeScalars(summary, event.values) : writeText(summary, event),
    );
  }
  return writer.finish();
}

function message(writer: PbfWriter, field: number, write: (inner: PbfWriter) => void): void {
  writer.writeMessage(field, (_, inner) => write(inner), undefined);
}

function writeScalars(summary: PbfWriter, values: Readonly<Record<string, number | null>>): void {
  for (const [tag, number] of Object.entries(values))
    message(summary, SUMMARY.value, (value) => {
      value.writeStringField(VALUE.tag, tag);
      value.writeFloatField(VALUE.simpleValue, Number.isFinite(number) ? Number(number) : Number.NaN);
    });
}

function writeText(summary: PbfWriter, { tag, text }: LoggedEvent & { kind: 'text' }): void {
  message(summary, SUMMARY.value, (value) => {
    value.writeStringField(VALUE.tag, tag);
    message(value, VALUE.tensor, (tensor) => {
      tensor.writeVarintField(TENSOR.dtype, DT_STRING);
      message(tensor, TENSOR.shape, (shape) =>
        message(shape, SHAPE.dim, (dim) => dim.writeVarintField(DIM.size, 1)),
      );
      tensor.writeStringField(TENSOR.stringValue, text);
    });
    message(value, VALUE.metadata, (metadata) => {
      message(metadata, METADATA.pluginData, (plugin) =>
        plugin.writeStringField(PLUGIN_DATA.pluginName, 'text'),
      );
      metadata.writeVarintField(METADATA.dataClass, DATA_CLASS_TENSOR);
    });
  });
}

/** When, and at which step, a record was written. */
export type RecordPlace = Pick<LoggedEvent, 'kind' | 'wallTime'> & { readonly step: number };

/** What a file's whole records are. It ends where one was cut short by a kill, or is damaged. */
export function recordPlaces(file: Uint8Array): RecordPlace[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const places: RecordPlace[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const end = at + HEADER_BYTES + length;
    const payload = bytes.subarray(at + HEADER_BYTES, end);
    if (end + CHECKSUM_BYTES > bytes.length || bytes.readUInt32LE(end) !== maskedChecksum(payload)) break;
    places.push(placeOf(payload));
    at = end + CHECKSUM_BYTES;
  }
  return places;
}

function placeOf(payload: Uint8Array): RecordPlace {
  const place: { wallTime: number; step: number; kind: LoggedEvent['kind'] } = {
    wallTime: 0,
    step: 0,
    kind: 'scalars',
  };
  new PbfReader(payload).readFields((field, _, reader) => {
    if (field === EVENT.wallTime) place.wallTime = reader.readDouble();
    else if (field === EVENT.step) place.step = reader.readVarint();
    else if (field === EVENT.fileVersion) place.kind = 'version';
    else if (field === EVENT.summary && hasTensor(reader)) place.kind = 'text';
  }, undefined);
  return place;
}

/** Whether a summary's values are texts. */
function hasTensor(event: PbfReader): boolean {
  let found = false;
  event.readMessage((field, _, summary) => {
    if (field !== SUMMARY.value) return;
    summary.readMessage((inner) => {
      found ||= inner === VALUE.tensor;
    }, undefined);
  }, undefined);
  return found;
}
