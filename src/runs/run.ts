/**
 * A run as a thing: a folder that is opened by itself and read. Its manifests say what its stages are, how
 * they were
 * configured and what they made; no configuration file, corpus or other run is looked at, and nothing is
 * written.
 */

import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { CalmError, notARun, runMissing } from '../errors.ts';
import { foldersIn } from './folders.ts';
import { type Labels, MANIFEST_FILE, type Manifest } from './manifest.ts';
import { RunFolder } from './run-folder.ts';
import { RECORD_FILE, type RecordedStage, type RunRecord, readRecord } from './run-record.ts';

/** A stage of a run, finished or not. */
export interface RunStage extends Omit<RecordedStage, 'fingerprint'> {
  /** Undefined where it has not finished. */
  readonly manifest: Manifest | undefined;
  /** Why its manifest can't be read. */
  readonly problem?: string;
  /** Where its files are: a finished one's in its place, another's where it works. */
  readonly directory: string;
  /** Whether the configuration that was last run has it. */
  readonly isAsked: boolean;
  /** Whether its finished result is what the last configuration asks for. */
  readonly isCurrent: boolean;
}

/** An artifact that a stage of a run made or is making. */
export interface Artifact {
  readonly stage: string;
  readonly port: string;
  readonly kind: string;
  readonly directory: string;
  readonly isFinished: boolean;
  /** Later stages have higher numbers. */
  readonly order: number;
}

/** The runs of a matrix: labels, and for each stage of the configuration its id in the folder. */
type Cell = RunRecord['cells'][number];

export class Run {
  readonly folder: RunFolder;
  readonly name: string;
  /** What was last asked for; undefined where run.json is gone. */
  readonly record: RunRecord | undefined;
  /** In an order in which each stage follows what it needs. */
  readonly stages: readonly RunStage[];

  private constructor(folder: RunFolder, record: RunRecord | undefined, stages: readonly RunStage[]) {
    this.folder = folder;
    this.name = basename(folder.directory);
    this.record = record;
    this.stages = stages;
  }

  /** Opens the run in a folder. A folder that holds no run is an error. */
  static async open(directory: string): Promise<Run> {
    if (!existsSync(directory)) throw runMissing(directory);
    if (!isRunFolder(directory)) throw notARun(directory);
    const folder = new RunFolder(realpathSync(directory));
    const record = await readRecord(folder.directory);
    const asked = new Map((record?.stages ?? []).map((stage) => [stage.id, stage]));
    const ids = new Set([...asked.keys(), ...foldersIn(folder.directory), ...atWork(folder.directory)]);
    const stages = [];
    for (const id of ids) {
      const stage = await describeStage(folder, id, asked.get(id));
      if (stage) stages.push(stage);
    }
    return new Run(folder, record, sortByNeed(stages));
  }

  /**
   * The same run; where a manifest lacks labels, as those of earlier versions do, its stage's own stand in.
   * @param labelsOf what a stage of this name says now
   */
  withLabels(labelsOf: (uses: string) => Labels): Run {
    const labelled = (manifest: Manifest): Manifest => {
      const now = Object.entries(labelsOf(manifest.uses));
      const own = now.map(([path, label]) => [path, { ...label, ...manifest.labels?.[path] }]);
      return { ...manifest, labels: { ...manifest.labels, ...Object.fromEntries(own) } };
    };
    const stages = this.stages.map((stage) => ({
      ...stage,
      manifest: stage.manifest && labelled(stage.manifest),
    }));
    return new Run(this.folder, this.record, stages);
  }

  stage(id: string): RunStage | undefined {
    return this.stages.find((stage) => stage.id === id);
  }

  /** The runs of its matrix; one of all stages where there is none. */
  get cells(): readonly Cell[] {
    if (this.record?.cells.length) return this.record.cells;
    return [{ labels: {}, ids: Object.fromEntries(this.stages.map(({ base, id }) => [base, id])) }];
  }

  /** Everything that its stages have made, and what those that have not finished are going to make. */
  get artifacts(): readonly Artifact[] {
    return this.stages.flatMap(({ id, outputs, manifest, directory }, order) =>
      Object.entries(outputs).map(([port, kind]) => ({
        stage: id,
        port,
        kind,
        directory: join(directory, port),
        isFinished: manifest !== undefined,
        order,
      })),
    );
  }

  /** A stage and all that it took its inputs from, nearest first. */
  upstreamOf(id: string): readonly RunStage[] {
    const found = new Map<string, RunStage>();
    const visit = (name: string) => {
      const stage = this.stage(name);
      if (!stage || found.has(name)) return;
      found.set(name, stage);
      Object.values(stage.inputs).forEach(visit);
    };
    visit(id);
    return [...found.values()];
  }
}

async function describeStage(
  folder: RunFolder,
  id: string,
  asked: RecordedStage | undefined,
): Promise<RunStage | undefined> {
  let [manifest, problem]: [Manifest | undefined, string | undefined] = [undefined, undefined];
  try {
    manifest = await folder.manifest(id);
  } catch (error) {
    if (!(error instanceof CalmError) || error.code !== 'CALM_ARTIFACT_BROKEN') throw error;
    problem = error.message;
  }
  if (!manifest && !asked && !problem) return undefined;
  const made = manifest && {
    uses: manifest.uses,
    inputs: Object.fromEntries(Object.entries(manifest.inputs).map(([port, { from }]) => [port, from])),
    outputs: Object.fromEntries(Object.entries(manifest.outputs).map(([port, { kind }]) => [port, kind])),
  };
  return {
    id,
    base: asked?.base ?? id.replace(/@.*/s, ''),
    ...(made ?? { uses: asked?.uses ?? id, inputs: asked?.inputs ?? {}, outputs: asked?.outputs ?? {} }),
    manifest,
    ...(problem ? { problem } : {}),
    directory: manifest || problem ? folder.finished(id) : folder.work(id),
    isAsked: asked !== undefined,
    isCurrent: manifest !== undefined && (!asked || asked.fingerprint === manifest.fingerprint),
  };
}

/** Stages that a kill kept from their place. */
function atWork(directory: string): string[] {
  return foldersIn(join(directory, '.work')).filter((name) =>
    existsSync(join(directory, '.work', name, MANIFEST_FILE)),
  );
}

function sortByNeed(stages: readonly RunStage[]): RunStage[] {
  const byId = new Map(stages.map((stage) => [stage.id, stage]));
  const sorted = new Set<RunStage>();
  const seen = new Set<RunStage>();
  const visit = (stage: RunStage) => {
    if (seen.has(stage)) return;
    seen.add(stage);
    for (const from of Object.values(stage.inputs)) {
      const needed = isAbsolute(from) ? undefined : byId.get(from);
      if (needed) visit(needed);
    }
    sorted.add(stage);
  };
  stages.forEach(visit);
  return [...sorted];
}

/** Whether a folder holds a run: a record of one, or a finished stage. */
export function isRunFolder(directory: string): boolean {
  if (!isFolder(directory)) return false;
  if (existsSync(join(directory, RECORD_FILE))) return true;
  return foldersIn(directory).some((name) => isOurManifest(join(directory, name, MANIFEST_FILE)));
}

/**
 * Whether a file is a manifest of a stage, whole or damaged: web pages and extensions have files of that name
 * too.
 */
function isOurManifest(file: string): boolean {
  try {
    return readFileSync(file, 'utf8').includes('"fingerprint"');
  } catch {
    return false;
  }
}

/** Whether a folder holds a model and nothing of a run: what `calm export` writes, or a hub download. */
export function isModelFolder(directory: string): boolean {
  return isFolder(directory) && existsSync(join(directory, 'config.json')) && !isRunFolder(directory);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
