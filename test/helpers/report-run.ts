/** Runs that were never made: manifests and run.json as a run leaves them, for tests of what reads them. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Run, writeRecord } from '../../src/runs/index.ts';

export interface FakeStage {
  readonly base: string;
  readonly metrics?: Record<string, unknown>;
  /** Lines of metrics.jsonl. */
  readonly curve?: readonly Record<string, unknown>[];
  readonly manifest?: Record<string, unknown>;
  /** Lines of events.jsonl. */
  readonly events?: readonly Record<string, unknown>[];
  /** It is asked for, and was not run. */
  readonly isMissing?: boolean;
}

export interface FakeCell {
  readonly labels: Record<string, string>;
  readonly ids: Record<string, string>;
}

/** @param stages by their ids @param cells one of all stages where absent */
export async function fakeRun(
  folder: string,
  stages: Readonly<Record<string, FakeStage>>,
  {
    cells,
    report,
    name = 'fake',
  }: { readonly cells?: readonly FakeCell[]; readonly report?: unknown; readonly name?: string } = {},
): Promise<Run> {
  const directory = join(folder, 'runs', name);
  mkdirSync(directory, { recursive: true });
  for (const [id, stage] of Object.entries(stages)) if (!stage.isMissing) writeStage(directory, id, stage);
  const ids = Object.fromEntries(Object.entries(stages).map(([id, { base }]) => [base, id]));
  await writeRecord(directory, {
    directory: folder,
    engine: 'auto',
    precision: 'f32',
    plugins: [],
    cells: (cells ?? [{ labels: {}, ids }]).map((cell) => ({ ...cell })),
    stages: Object.entries(stages).map(([id, { base }]) => ({
      id,
      base,
      uses: base,
      fingerprint: 'abc',
      inputs: {},
      outputs: {},
    })),
    fields: {},
    ...(report === undefined ? {} : { report }),
  });
  return Run.open(directory);
}

function writeStage(
  directory: string,
  id: string,
  { base, metrics = {}, curve, events, manifest }: FakeStage,
): void {
  mkdirSync(join(directory, id), { recursive: true });
  const whole = {
    formatVersion: 1,
    stage: id,
    uses: base,
    stageVersion: 1,
    fingerprint: 'abc',
    seed: 0,
    config: {},
    inputs: {},
    outputs: {},
    versions: { calm: '0.1.0', node: '22.0.0', engine: 'onnx' },
    seconds: 2,
    finishedAt: '2026-01-01T00:00:00.000Z',
    metrics,
    ...manifest,
  };
  writeFileSync(join(directory, id, 'manifest.json'), JSON.stringify(whole));
  const write = (file: string, lines: FakeStage['curve'] = []) => {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    if (text) writeFileSync(join(directory, id, file), text);
  };
  write('metrics.jsonl', curve);
  write('events.jsonl', events);
}

/** A stage `train` for each rate and seed, with its score. */
export function sweepOf(
  scores: Readonly<Record<string, Readonly<Record<string, FakeStage['metrics'] | undefined>>>>,
) {
  const stages: Record<string, FakeStage> = {};
  const cells: FakeCell[] = [];
  for (const [rate, bySeed] of Object.entries(scores))
    for (const [seed, metrics] of Object.entries(bySeed)) {
      const id = `train@${rate}-${seed}`;
      stages[id] = metrics ? { base: 'train', metrics } : { base: 'train', isMissing: true };
      cells.push({ labels: { 'train.rate': rate, seed }, ids: { train: id } });
    }
  return { stages, cells };
}
