/** What the models cost: parameters and floating-point operations, part by part. */

import { totalsOf } from '../../../pipeline/index.ts';
import { type Block, tableBlocks } from '../blocks.ts';
import { formatValue } from '../values.ts';
import type { Variant } from '../variants.ts';

const HEAD = [
  'model',
  'part',
  'parameters',
  'training FLOPs a token',
  'inference FLOPs a token',
  'training FLOPs',
];

export function costBlocks(variants: readonly Variant[]): Block[] {
  return tableBlocks('Cost', { head: HEAD, rows: variants.flatMap(rowsOf) });
}

function rowsOf({ id, manifest: { cost } }: Variant): string[][] {
  if (!cost) return [];
  const totals = totalsOf({ parts: cost.parts, trainingTokens: cost.trainingTokens });
  const counts = [
    totals.parameters,
    totals.trainingFlopsPerToken,
    totals.inferenceFlopsPerToken,
    totals.trainingFlops,
  ];
  const whole = totals.frozenParameters ? 'in all; parameters without the frozen ones' : 'in all';
  return [
    ...cost.parts.map(({ name, parameters, trainingFlops, inferenceFlops }) => [
      id,
      name,
      ...[parameters, trainingFlops, inferenceFlops].map((count) => formatValue(count)),
      '',
    ]),
    [id, whole, ...counts.map((count) => formatValue(count))],
  ];
}
