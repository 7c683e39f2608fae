/**
 * What is asked for, written into the run folder: later commands name the folder and need no configuration
 * file.
 */

import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeFileWhole } from '../artifacts/index.ts';
import type { AnyStage, ArtifactKind } from '../plugin/index.ts';
import { type RunRecord, writeRecord } from '../runs/index.ts';
import type { Plan } from './plan.ts';

/** Writes config.yaml, to run again, and run.json, for readers. */
export async function saveRequest(plan: Plan): Promise<void> {
  const { config, folder } = plan;
  const { name, seed, engine, precision, output, plugins, matrix, report } = config;
  const entries = Object.entries(config.stages).map(([id, { uses, inputs, fields }]) => [
    id,
    { ...(uses === id ? {} : { uses }), ...(Object.keys(inputs).length ? { inputs } : {}), ...fields },
  ]);
  const extras = { ...(matrix ? { matrix } : {}), ...(report ? { report } : {}) };
  const whole = {
    name,
    seed,
    engine,
    precision,
    output,
    plugins,
    ...extras,
    stages: Object.fromEntries(entries),
  };
  await writeFileWhole(join(folder.directory, 'config.yaml'), stringify(whole));
  await writeRecord(folder.directory, recordOf(plan));
}

export function recordOf({ config, stages, cells }: Plan): RunRecord {
  const { engine, precision, plugins, report } = config;
  const fields = Object.entries(config.stages).map(([id, { fields: own }]) => [id, { ...own }]);
  return {
    file: config.file,
    directory: config.directory,
    engine,
    precision,
    plugins: [...plugins],
    cells: cells.map(({ labels, ids }) => ({ labels: { ...labels }, ids: { ...ids } })),
    stages: stages.map(({ node, fingerprint, inputs }) => ({
      id: node.id,
      base: node.base,
      uses: node.stage.name,
      fingerprint,
      inputs: Object.fromEntries(Object.entries(inputs).map(([port, { from }]) => [port, from])),
      outputs: Object.fromEntries(outputsOf(node.stage).map(([port, { name: kind }]) => [port, kind])),
    })),
    fields: Object.fromEntries(fields),
    ...(report ? { report } : {}),
  };
}

export function outputsOf(stage: AnyStage): [port: string, kind: ArtifactKind][] {
  return Object.entries(stage.outputs as Record<string, ArtifactKind>);
}
