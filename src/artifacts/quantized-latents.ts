/**
 * Latents in bytes: of each patch l means as int8 and l log standard deviations as uint8, behind what makes
 * numbers of them, in half precision.
 *
 *     u16    step of the means: mean = step · byte
 *     u16    least logStd, u16 step of logStds: logStd = least + step · byte
 *     i8 × l means, u8 × l logStds
 *
 * Steps follow from the largest number of each patch, so an error is at most half a step of that patch.
 */

import { fromHalf, toHalf } from './half-precision.ts';
import type { Latents } from './latents.ts';

const HEADER_BYTES = 6;
const [MOST, LEVELS] = [127, 255];

/** Bytes of a patch. */
export const quantizedBytes = (latentSize: number) => HEADER_BYTES + 2 * latentSize;

/** @returns a record for each patch, in a row */
export function quantize({ mean, logStd }: Latents, latentSize: number): Uint8Array {
  const width = quantizedBytes(latentSize);
  const count = mean.length / latentSize;
  const records = new Uint8Array(count * width);
  const view = new DataView(records.buffer);
  for (let patch = 0; patch < count; patch++) {
    const [at, first] = [patch * width, patch * latentSize];
    const means = mean.subarray(first, first + latentSize);
    const logs = logStd.subarray(first, first + latentSize);
    let [largest, least, most] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < latentSize; i++) {
      largest = Math.max(largest, Math.abs(means[i] as number));
      least = Math.min(least, logs[i] as number);
      most = Math.max(most, logs[i] as number);
    }
    const meanStep = setHalf(view, at, largest / MOST);
    const begin = setHalf(view, at + 2, least);
    const logStep = setHalf(view, at + 4, (most - begin) / LEVELS);
    for (let i = 0; i < latentSize; i++) {
      const byte = meanStep > 0 ? Math.round((means[i] as number) / meanStep) : 0;
      const log = logStep > 0 ? Math.round(((logs[i] as number) - begin) / logStep) : 0;
      view.setInt8(at + HEADER_BYTES + i, Math.max(-MOST, Math.min(MOST, byte)));
      view.setUint8(at + HEADER_BYTES + latentSize + i, Math.max(0, Math.min(LEVELS, log)));
    }
  }
  return records;
}

/** The number that a half is, which is what a reader will have. */
function setHalf(view: DataView, at: number, value: number): number {
  const half = toHalf(value);
  view.setUint16(at, half, true);
  return fromHalf(half);
}

/** @param records of `quantize` */
export function dequantize(records: Uint8Array, latentSize: number): Latents {
  const width = quantizedBytes(latentSize);
  const count = records.length / width;
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  const [mean, logStd] = [new Float32Array(count * latentSize), new Float32Array(count * latentSize)];
  for (let patch = 0; patch < count; patch++) {
    const [at, first] = [patch * width, patch * latentSize];
    const [meanStep, begin, logStep] = [0, 2, 4].map((offset) =>
      fromHalf(view.getUint16(at + offset, true)),
    ) as [number, number, number];
    for (let i = 0; i < latentSize; i++) {
      mean[first + i] = meanStep * view.getInt8(at + HEADER_BYTES + i);
      logStd[first + i] = begin + logStep * view.getUint8(at + HEADER_BYTES + latentSize + i);
    }
  }
  return { mean, logStd };
}
