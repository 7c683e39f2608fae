/** manifest.json: what a finished stage says of itself. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readIndex } from '../artifacts/index.ts';
import { fileList } from './integrity.ts';

export const MANIFEST_VERSION = 1;
export const MANIFEST_FILE = 'manifest.json';

const sourceRecord = z.object({
  path: z.string(),
  bytes: z.number(),
  modifiedMs: z.number(),
  sha256: z.string(),
  role: z.string().optional(),
});

/** A file that a stage read from outside of the run, as it was then. */
export type SourceRecord = Readonly<z.infer<typeof sourceRecord>>;
export const sourceRecords = z.array(sourceRecord);

const costPart = z.object({
  name: z.string(),
  parameters: z.number(),
  trainingFlops: z.number(),
  inferenceFlops: z.number(),
  isFrozen: z.boolean().optional(),
});

const valueReference = z.object({
  label: z.string(),
  value: z.union([z.number(), z.string()]),
  advice: z.string().optional(),
});

const valueLabel = z.object({
  label: z.string(),
  better: z.enum(['higher', 'lower']).optional(),
  isHeadline: z.boolean().optional(),
  references: z.array(valueReference).readonly().optional(),
  isSetting: z.boolean().optional(),
  isShare: z.boolean().optional(),
  isCurve: z.boolean().optional(),
  drawn: z
    .object({
      title: z.string(),
      kind: z.enum(['bar', 'line']),
      x: z.string(),
      y: z.string(),
      parts: z.array(z.string()).readonly().optional(),
      of: z.string().optional(),
    })
    .optional(),
  texts: z.object({ settings: z.array(z.string()).readonly() }).optional(),
});

const manifest = z.object({
  formatVersion: z.number(),
  stage: z.string(),
  uses: z.string(),
  stageVersion: z.number(),
  /** Hash of a third-party stage's code. */
  code: z.string().optional(),
  /** Hash of the code of heads, optimisers, measures and formats that plugins brought and it took. */
  partsCode: z.string().optional(),
  fingerprint: z.string(),
  seed: z.number(),
  config: z.record(z.string(), z.unknown()),
  /** Port → where it came from and the fingerprint that this had. */
  inputs: z.record(
    z.string(),
    z.object({
      from: z.string(),
      fingerprint: z.string(),
      /** Of a folder that no run made: its files, whose contents are the fingerprint. */
      files: sourceRecords.optional(),
    }),
  ),
  outputs: z.record(z.string(), z.object({ kind: z.string(), formatVersion: z.number() })),
  /** Manifests of earlier versions have another form of these, which counts as none. */
  sources: sourceRecords.optional().catch(undefined),
  /** What the model that it trained costs, for reports. */
  cost: z.object({ parts: z.array(costPart), trainingTokens: z.number().optional() }).optional(),
  /** The few numbers that stand for the result in a list of runs. */
  headline: z.record(z.string(), z.number()).optional(),
  /** Names of values in the metrics and in metrics.jsonl, by their paths; see ValueLabel. */
  labels: z.record(z.string(), valueLabel).optional(),
  /** calm, node, engine and its packages. */
  versions: z.record(z.string(), z.string()),
  seconds: z.number(),
  finishedAt: z.string(),
  /** The stage's summary. */
  metrics: z.record(z.string(), z.unknown()),
  /** Sizes and hashes of its files. */
  files: fileList.optional(),
});

export type Manifest = Readonly<z.infer<typeof manifest>>;
/** Names of a stage's values. */
export type Labels = Readonly<Record<string, Label>>;
export type Label = Readonly<z.infer<typeof valueLabel>>;

/** Reads the manifest of a folder; undefined where it has none. One of another format version is an error. */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  const file = join(directory, MANIFEST_FILE);
  if (!existsSync(file)) return undefined;
  return readIndex(file, 'manifest', MANIFEST_VERSION, manifest);
}
