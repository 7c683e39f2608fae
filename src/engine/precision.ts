/**
 * How precise the factors of matrix products are. `bf16` rounds them to bfloat16 inside the graph: processors with
 * AMX or AVX512-BF16, and GPUs, multiply such numbers two to sixteen times as fast. Sums within a product, weights,
 * moments, norms, softmax, losses and distances are float32 in either.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { enginesFolder } from './installs/folder.ts';

export const PRECISIONS = ['f32', 'bf16'] as const;
export type Precision = (typeof PRECISIONS)[number];
/** `auto` takes the faster one. */
export type PrecisionChoice = Precision | 'auto';

/** What `--precision` takes, for help. */
export const PRECISION_FLAG = {
  description: 'of the factors of matrix products',
  options: [...PRECISIONS, 'auto'],
} as const;

/** Rates of products, in GFLOP/s. */
export type ProductRates = Readonly<Record<Precision, number>>;

/** How much faster bf16 must be to be taken by `auto`: it costs digits. */
const WORTH_IT = 1.15;

export function fasterOf({ f32, bf16 }: ProductRates): Precision {
  return bf16 > WORTH_IT * f32 ? 'bf16' : 'f32';
}

/**
 * Rates that were measured before with the same versions on the same processor and threads, or now.
 * @param key what they depend on besides the processor
 */
export async function rememberedRates(
  key: string,
  measure: () => Promise<ProductRates>,
): Promise<ProductRates> {
  const whole = `${key} ${cpus()[0]?.model ?? ''}`;
  const file = join(dirname(enginesFolder()), 'product-rates.json');
  const known = readRates(file);
  const before = known[whole];
  if (before) return before;
  const rates = await measure();
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ ...known, [whole]: rates }, null, 2)}\n`);
  } catch {
    // It is measured again the next time.
  }
  return rates;
}

function readRates(file: string): Record<string, ProductRates> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, ProductRates>;
  } catch {
    return {};
  }
}

/** What the processor has for products of rounded factors, as Linux names it; none where that can't be told. */
export function productFeatures(): string[] {
  try {
    const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '));
    return ['amx_bf16', 'amx_int8', 'avx512_bf16', 'avx512_vnni', 'avx512f', 'avx2'].filter((name) =>
      flags.has(name),
    );
  } catch {
    return [];
  }
}
