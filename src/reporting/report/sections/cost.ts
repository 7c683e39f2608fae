/** What the models cost: parameters and floating-point operations, part by part. */

import { totalsOf } from '../../../pipeline/index.ts';
import { type Block, tableBlocks } from '../blocks.ts';
import { formatValue } from '../values.ts';
import { byBase, bySetting, type Variant } from '../variants.ts';

const HEAD = [
  'model',
  'part',
  'parameters',
  'training FLOPs a token',
  'inference FLOPs a token',
  'training FLOPs',
];

export function costBlocks(variants: readonly Variant[]): Block[] {
  return tableBlocks('Cost', { head: HEAD, rows: distinctModels(variants).flatMap(rowsOf) });
}

/** Seeds of one setting cost the same. */
function distinctModels(variants: readonly Variant[]): Variant[] {
  return [...byBase(variants).values()].flatMap((siblings) =>
    bySetting(siblings.filter(({ manifest }) => manifest.cost)).map(([, [first]]) => first),
  );
}

function rowsOf({ base, setting, manifest: { cost } }: Variant): string[][] {
  if (!cost) return [];
  const id = [base, setting].filter(Boolean).join(' · ');
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
