/**
 * run.json: what a run was last asked for. Whoever reads a run needs no configuration file and no corpus:
 * this and the manifests say everything.
 * A run whose run.json is gone is known by its manifests alone.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonAs, writeJson } from '../artifacts/index.ts';

const plannedStage = z.object({
  id: z.string(),
  /** Its name in the configuration: `train-lm` of `train-lm@flow`. */
  base: z.string(),
  uses: z.string(),
  /** Of the result that was asked for. */
  fingerprint: z.string(),
  /** Port → id of a stage, or an absolute folder. */
  inputs: z.record(z.string(), z.string()),
  /** Port → kind of artifact. */
  outputs: z.record(z.string(), z.string()),
});

const runRecord = z.object({
  /** The configuration file, and the folder that its paths are relative to. */
  file: z.string().optional(),
  directory: z.string(),
  engine: z.string().default('auto'),
  precision: z.enum(['f32', 'bf16', 'auto']).default('f32'),
  plugins: z.array(z.string()).default([]),
  /** The runs of a matrix: labels and, for each stage of the configuration, its id in this folder. */
  cells: z
    .array(z.object({ labels: z.record(z.string(), z.string()), ids: z.record(z.string(), z.string()) }))
    .default([]),
  stages: z.array(plannedStage).default([]),
  /** Stage of the configuration → its fields as written. */
  fields: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  /** The `report:` part of the configuration. */
  report: z.unknown().optional(),
});

export type RunRecord = Readonly<z.infer<typeof runRecord>>;
export type RecordedStage = RunRecord['stages'][number];

export const RECORD_FILE = 'run.json';

/** Reads run.json; undefined where it is not there. A damaged one is an error that names it. */
export async function readRecord(directory: string): Promise<RunRecord | undefined> {
  const file = join(directory, RECORD_FILE);
  return existsSync(file) ? readJsonAs(file, runRecord) : undefined;
}

export async function writeRecord(directory: string, record: RunRecord): Promise<void> {
  await writeJson(join(directory, RECORD_FILE), record);
}
