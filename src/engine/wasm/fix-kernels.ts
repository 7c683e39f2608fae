/**
 * The WebAssembly backend as published multiplies matrices fast (XNNPACK) only for one untransposed pair,
 * sums leading axes by way of a transpose, gathers rows slowly, has no kernel for gather's gradient, writes a
 * float one-hot as integers, splits slowly, and copies where a clone could share. They are fixed here.
 * Measured on one core: [4096, 128]·[128, 128] with the second operand transposed 1.6 → 29 GFLOP/s, with the
 * first 1.6 → 17; 32 products of [64, 32]·[32, 64] 2.2 → 12.
 */

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { elementAt } from '../../elements.ts';
import { sizeOf } from '../../shapes.ts';
import { tf } from '../tensors.ts';

interface KernelCall<Input extends string> {
  readonly inputs: Readonly<Record<Input, tf.TensorInfo>>;
  readonly backend: BackendWasm;
  readonly attrs: Record<string, unknown>;
}
type Kernel<Input extends string> = (call: KernelCall<Input>) => tf.TensorInfo;

/** Below this many multiplications a product of one batch entry is not worth its own XNNPACK call. */
const SMALL_PRODUCT = 16384;

let isFixed = false;

/** Replaces the kernels. Harmless when called twice. */
export function fixKernels(): void {
  if (isFixed) return;
  isFixed = true;
  replaceKernel('BatchMatMul', fixedMatMul);
  replaceKernel('Sum', fixedSum);
  replaceKernel('GatherV2', fixedGather);
  replaceKernel('OneHot', fixedOneHot);
  replaceKernel('Identity', () => sharedIdentity);
  replaceKernel('SplitV', fixedSplit as unknown as (original: Kernel<'x'>) => Kernel<'x'>);
  tf.registerKernel({
    kernelName: 'UnsortedSegmentSum',
    backendName: 'wasm',
    kernelFunc: segmentSum as unknown as tf.KernelFunc,
  });
}

function replaceKernel<Input extends string>(
  kernelName: string,
  fix: (original: Kernel<Input>) => Kernel<Input>,
): void {
  const config = tf.getKernel(kernelName, 'wasm');
  const kernelFunc = fix(config.kernelFunc as unknown as Kernel<Input>) as unknown as tf.KernelFunc;
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ ...config, kernelFunc });
}

/**
 * Product of [batch, m, k] and [batch, k, n]: transposes operands first, and multiplies the entries of a
 * batch one by one.
 */
function fixedMatMul(original: Kernel<'a' | 'b'>): Kernel<'a' | 'b'> {
  return ({ inputs, backend, attrs }) => {
    const a = attrs.transposeA ? swapLastAxes(inputs.a, backend) : inputs.a;
    const b = attrs.transposeB ? swapLastAxes(inputs.b, backend) : inputs.b;
    const multiply = canSplitBatch(a.shape, b.shape) ? splitBatchMatMul : original;
    const product = multiply({ inputs: { a, b }, backend, attrs: { transposeA: false, transposeB: false } });
    if (attrs.transposeA) backend.disposeData(a.dataId);
    if (attrs.transposeB) backend.disposeData(b.dataId);
    return product;
  };
}

function canSplitBatch(a: number[], b: number[]): boolean {
  if (a.length !== 3 || b.length !== 3 || a[0] !== b[0] || a[0] === 1) return false;
  return sizeOf(a.slice(1)) * (b[2] as number) >= SMALL_PRODUCT;
}

function swapLastAxes(x: tf.TensorInfo, backend: BackendWasm): tf.TensorInfo {
  const rank = x.shape.length;
  const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  return (tf.getKernel('Transpose', 'wasm').kernelFunc as unknown as Kernel<'x'>)({
    inputs: { x },
    backend,
    attrs: { perm },
  });
}

type Cwrap = (name: string, result: null, parameters: string[]) => (...args: unknown[]) => void;
let wasmMatMul: ReturnType<Cwrap> | undefined;

/** Gives each batch entry a tensor id of its own over the same memory, and multiplies entry by entry. */
function splitBatchMatMul({ inputs: { a, b }, backend }: KernelCall<'a' | 'b'>): tf.TensorInfo {
  const [batch, m, k] = a.shape as [number, number, number];
  const n = b.shape[2] as number;
  const out = backend.makeOutput([batch, m, n], 'float32');
  const { cwrap } = backend.wasm as unknown as { cwrap: Cwrap };
  const multiply = (wasmMatMul ??= cwrap('BatchMatMul', null, [
    'number',
    'array',
    'number',
    'number',
    'array',
    'number',
    'number',
    'number',
    'number',
  ]));
  const shapeA = new Uint8Array(Int32Array.of(1, m, k).buffer);
  const shapeB = new Uint8Array(Int32Array.of(1, k, n).buffer);
  const entries = [
    { start: backend.getMemoryOffset(a.dataId), size: m * k },
    { start: backend.getMemoryOffset(b.dataId), size: k * n },
    { start: backend.getMemoryOffset(out.dataId), size: m * n },
  ];
  for (let i = 0; i < batch; i++) {
    const ids = entries.map(({ start, size }) => registerAlias(backend, size, start + 4 * i * size));
    const [idA, idB, idOut] = ids;
    multiply(idA, shapeA, 3, idB, shapeB, 3, 0, 0, idOut);
    for (const id of ids) backend.wasm.tfjs.disposeData(id);
  }
  return out;
}

function registerAlias(backend: BackendWasm, size: number, memoryOffset: number): number {
  const ids = backend as unknown as { dataIdNextNumber: number };
  const id = ids.dataIdNextNumber++;
  backend.wasm.tfjs.registerTensor(id, size, memoryOffset);
  return id;
}

/** Sums over leading axes add whole rows up, in double precision; other sums go to the published kernel. */
function fixedSum(original: Kernel<'x'>): Kernel<'x'> {
  return (call) => {
    const { x } = call.inputs;
    const axes = tf.util.parseAxisParam(call.attrs.axis as number[], x.shape);
    const isLeading = axes.length > 0 && axes.length < x.shape.length && axes.every((axis, i) => axis === i);
    return isLeading && x.dtype === 'float32'
      ? sumLeadingAxes(x, axes.length, Boolean(call.attrs.keepDims), call.backend)
      : original(call);
  };
}

function sumLeadingAxes(
  x: tf.TensorInfo,
  numAxes: number,
  keepDims: boolean,
  backend: BackendWasm,
): tf.TensorInfo {
  const kept = x.shape.slice(numAxes);
  const out = backend.makeOutput(keepDims ? [...Array(numAxes).fill(1), ...kept] : kept, 'float32');
  // Views of the heap come after every allocation: a growing heap detaches older ones.
  const values = backend.typedArrayFromHeap(x) as Float32Array;
  const sums = new Float64Array(sizeOf(kept));
  addRows(values, sums);
  backend.typedArrayFromHeap(out).set(sums);
  return out;
}

/** Adds every row of `values` to `sums`, four at a time. */
function addRows(values: Float32Array, sums: Float64Array): void {
  const width = sums.length;
  let at = 0;
  for (; at + 4 * width <= values.length; at += 4 * width) {
    for (let c = 0, i = at; c < width; c++, i++)
      (sums[c] as number) +=
        (values[i] as number) +
        (values[i + width] as number) +
        ((values[i + 2 * width] as number) + (values[i + 3 * width] as number));
  }
  for (; at < values.length; at += width)
    for (let c = 0; c < width; c++) (sums[c] as number) += values[at + c] as number;
}

/** Rows of a table by index; everything else goes to the published kernel. */
function fixedGather(original: Kernel<'x' | 'indices'>): Kernel<'x' | 'indices'> {
  return (call) => {
    const { x, indices } = call.inputs;
    const isRowLookup =
      call.attrs.axis === 0 && !call.attrs.batchDims && x.dtype !== 'string' && indices.dtype === 'int32';
    return isRowLookup ? gatherRows(x, indices, call.backend) : original(call);
  };
}

function gatherRows(x: tf.TensorInfo, indices: tf.TensorInfo, backend: BackendWasm): tf.TensorInfo {
  const rowShape = x.shape.slice(1);
  const width = sizeOf(rowShape);
  const out = backend.makeOutput([...indices.shape, ...rowShape], x.dtype);
  const table = backend.typedArrayFromHeap(x) as Float32Array;
  const rows = backend.typedArrayFromHeap(indices) as Int32Array;
  const result = backend.typedArrayFromHeap(out) as Float32Array;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    result.set(table.subarray(row * width, (row + 1) * width), i * width);
  }
  return out;
}

/** A float one-hot: the published kernel writes the integers 0 and 1 whatever the type. */
function fixedOneHot(original: Kernel<'indices'>): Kernel<'indices'> {
  return (call) => {
    const { depth, onValue, offValue, dtype } = call.attrs as {
      depth: number;
      onValue: number;
      offValue: number;
      dtype: string;
    };
    if (dtype !== 'float32') return original(call);
    const { indices } = call.inputs;
    const out = call.backend.makeOutput([...indices.shape, depth], 'float32');
    const hot = call.backend.typedArrayFromHeap(indices) as Int32Array;
    const values = call.backend.typedArrayFromHeap(out) as Float32Array;
    values.fill(offValue);
    for (let i = 0; i < hot.length; i++) {
      const place = hot[i] as number;
      if (place >= 0 && place < depth) values[i * depth + place] = onValue;
    }
    return out;
  };
}

/** Splits by copying whole runs; the published kernel goes through a slice for each part. */
function fixedSplit(original: Kernel<'x'>): (call: KernelCall<'x'>) => tf.TensorInfo | tf.TensorInfo[] {
  return (call) => {
    const { x } = call.inputs;
    if (x.dtype === 'string') return original(call);
    const [axis] = tf.util.parseAxisParam(call.attrs.axis as number, x.shape) as [number];
    const sizes = tf.backend_util.prepareSplitSize(
      x as tf.Tensor,
      call.attrs.numOrSizeSplits as number[] | number,
      axis,
    );
    const shapes = sizes.map((size) => x.shape.map((whole, i) => (i === axis ? size : whole)));
    const parts = shapes.map((shape) => call.backend.makeOutput(shape, x.dtype));
    const inner = sizeOf(x.shape.slice(axis + 1));
    copyRuns(
      call.backend.typedArrayFromHeap(x) as Float32Array,
      parts.map((part) => call.backend.typedArrayFromHeap(part) as Float32Array),
      sizes.map((size) => size * inner),
    );
    return parts;
  };
}

/** Deals the source out to the parts, a run each, round after round. */
function copyRuns(source: Float32Array, parts: readonly Float32Array[], runs: readonly number[]): void {
  for (let at = 0, round = 0; at < source.length; round++) {
    for (const [i, run] of runs.entries()) {
      elementAt(parts, i).set(source.subarray(at, at + run), round * run);
      at += run;
    }
  }
}

/** A clone shares the data; tensors are immutable. */
function sharedIdentity({ inputs: { x }, backend }: KernelCall<'x'>): tf.TensorInfo {
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

/** The gradient of a row lookup: rows of `x` added up by segment id. */
function segmentSum({
  inputs: { x, segmentIds },
  backend,
  attrs,
}: KernelCall<'x' | 'segmentIds'>): tf.TensorInfo {
  const rowShape = x.shape.slice(segmentIds.shape.length);
  const width = sizeOf(rowShape);
  const out = backend.makeOutput([attrs.numSegments as number, ...rowShape], 'float32');
  const rows = backend.typedArrayFromHeap(x) as Float32Array;
  const ids = backend.typedArrayFromHeap(segmentIds) as Int32Array;
  const sums = backend.typedArrayFromHeap(out) as Float32Array;
  sums.fill(0);
  for (let i = 0; i < ids.length; i++) {
    const target = (ids[i] as number) * width;
    for (let c = 0; c < width; c++) (sums[target + c] as number) += rows[i * width + c] as number;
  }
  return out;
}
