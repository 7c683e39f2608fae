/** What a run of the benchmark found, with all that tells machines apart; tables of it, and of two side by side. */

import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { engineVersion } from 'calm-lm/engine';
import { engineNamed } from '../src/engine/names.ts';
import { productFeatures } from '../src/engine/precision.ts';
import { stepGigaflops } from './flops.ts';

export interface Row {
  readonly task: string;
  readonly size: string;
  readonly contender: string;
  readonly medianMs: number;
  readonly tokens: number;
  readonly peakMegabytes: number;
  /** Of the first repetition, compilation included. */
  readonly firstMs: number;
}

export interface Machine {
  readonly processor: string;
  /** What of it decides about products, as Linux names it. */
  readonly flags: readonly string[];
  readonly cores: number;
  readonly gibibytes: number;
  readonly versions: Readonly<Record<string, string>>;
}

export interface Results {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  /** Load of the machine, averaged over a minute, before and after. */
  readonly load: readonly [before: number, after: number];
  readonly rounds: number;
  /** Products of 2048 × 2048 matrices by contender, in GFLOP/s. */
  readonly products: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
}

/** @param python whose PyTorch was asked */
export function thisMachine(python: string): Machine {
  const torch = spawnSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' });
  const versions = {
    node: process.versions.node,
    onnxruntime: engineVersion('onnx'),
    tensorflow: engineNamed('node').otherVersions?.().tensorflow,
    pytorch: torch.status === 0 ? torch.stdout.trim() : undefined,
  };
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    flags: productFeatures(),
    cores: availableParallelism(),
    gibibytes: Math.round(totalmem() / 2 ** 30),
    versions: Object.fromEntries(
      Object.entries(versions).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  };
}

const describe = ({ processor, flags, cores, gibibytes, versions }: Machine) =>
  `${processor} (${flags.join(', ')}), ${cores} cores, ${gibibytes} GiB; ` +
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

/** A page of Markdown. */
export function pageOf(results: Results): string {
  const { machine, rounds, rows, products, load, command, date } = results;
  const rates = Object.entries(products).map(([name, rate]) => `${name} ${rate.toFixed(0)}`);
  return [
    `${describe(machine)}. ${date}, \`${command}\`; medians of ${rounds} alternating blocks; load ` +
      `${load.map((value) => value.toFixed(1)).join(' … ')}.`,
    '',
    `Products of 2048 × 2048 matrices: ${rates.join(', ')} GFLOP/s.`,
    '',
    '| task | size | on | ms | tokens/s | × PyTorch | of the limit | peak MB | first ms |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows.map((row) => {
      const numbers = [
        row.medianMs.toFixed(1),
        Math.round((1000 * row.tokens) / row.medianMs),
        timesPeer(results, row)?.toFixed(2) ?? '',
        shareOfLimit(results, row),
        Math.round(row.peakMegabytes),
        Math.round(row.firstMs),
      ];
      return `| ${[row.task, row.size, row.contender, ...numbers].join(' | ')} |`;
    }),
  ].join('\n');
}

/** Two results side by side, row by row: how many times as fast the second is. */
export function comparisonOf(first: Results, second: Results): string {
  const rows = first.rows.flatMap((row) => {
    const other = second.rows.find((each) => keyOf(each) === keyOf(row));
    return other ? [[row, other] as const] : [];
  });
  const isSame = describe(first.machine) === describe(second.machine);
  return [
    `A: ${first.date}, ${describe(first.machine)}`,
    `B: ${second.date}, ${describe(second.machine)}`,
    ...(isSame
      ? []
      : ['', 'The machines or versions differ: only "× PyTorch", within each, can be compared.']),
    '',
    '| task | size | on | A ms | B ms | A ÷ B | A × PyTorch | B × PyTorch |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map(([a, b]) => {
      const peers = [timesPeer(first, a), timesPeer(second, b)].map((times) => times?.toFixed(2) ?? '');
      const times = [a.medianMs.toFixed(1), b.medianMs.toFixed(1), (a.medianMs / b.medianMs).toFixed(2)];
      return `| ${[a.task, a.size, a.contender, ...times, ...peers].join(' | ')} |`;
    }),
  ].join('\n');
}

const keyOf = ({ task, size, contender }: Row) => `${task} ${size} ${contender}`;

/** How many times as fast as the fastest PyTorch that took part. */
function timesPeer({ rows }: Results, { task, size, medianMs }: Row): number | undefined {
  const peers = rows.filter(
    (row) => row.task === task && row.size === size && row.contender.startsWith('pytorch'),
  );
  return peers.length > 0 ? Math.min(...peers.map((peer) => peer.medianMs)) / medianMs : undefined;
}

/** What part of the best rate of products a training step reaches. */
function shareOfLimit({ products }: Results, { task, size, medianMs }: Row): string {
  const gigaflops = stepGigaflops(task, size);
  const limit = Math.max(...Object.values(products));
  return gigaflops ? `${Math.round((100 * 1000 * gigaflops) / medianMs / limit)} %` : '';
}
