/** What a run would do, and why: configuration + registry + manifests → ordered stages, each fresh, shared, stale or blocked. Changes nothing. */

import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { CalmError } from '../errors.ts';
import type { ArtifactKind } from '../plugin/index.ts';
import type { RunConfig } from './config.ts';
import { differences, fingerprint } from './fingerprint.ts';
import { buildGraph, kindOf, type Selection, type Source, type StageNode, select } from './graph.ts';
import { problemsOf } from './integrity.ts';
import { type CellStages, mergeCells } from './merge-cells.ts';
import type { Registry } from './registry.ts';
import { type Manifest, RunFolder, readManifest } from './run-folder.ts';
import { findShared, type SharedResult } from './shared-results.ts';

/** `shared`: another run has the same result, which is taken. */
export type PlannedState = 'fresh' | 'shared' | 'stale' | 'blocked' | 'left out';

export interface PlannedStage {
  readonly node: StageNode;
  readonly state: PlannedState;
  /** Why it is stale or blocked: "steps 1000 → 2000". */
  readonly reasons: readonly string[];
  /** Of the result that this plan asks for; for a stage that is left out, of the one that is there. */
  readonly fingerprint: string;
  readonly inputs: Manifest['inputs'];
  readonly sources: unknown;
  /** Of the result that is there now. */
  readonly manifest: Manifest | undefined;
  /** The same result in another run. */
  readonly shared?: SharedResult;
}

export interface Plan {
  readonly config: RunConfig;
  readonly folder: RunFolder;
  readonly stages: readonly PlannedStage[];
  /** The runs of a matrix, one where there is none. */
  readonly cells: readonly CellStages[];
}

export interface PlanOptions extends Selection {
  /** Selected stages are stale whatever their manifests say. */
  readonly force?: boolean;
  readonly workingDirectory: string;
}

/** Plans a run. Unknown stages, wrong wires, cycles and bad fields are errors here, before any work. */
export async function makePlan(config: RunConfig, registry: Registry, options: PlanOptions): Promise<Plan> {
  const graphs = [];
  for (const { labels, config: cell } of config.cells)
    graphs.push({ labels, nodes: await buildGraph(cell, registry) });
  const { nodes, cells } = mergeCells(graphs);
  const folder = new RunFolder(resolve(options.workingDirectory, config.output, config.name));
  const selected = select(nodes, options);
  const planned = new Map<string, PlannedStage>();
  const shared = memoise(() => findShared(resolve(options.workingDirectory, config.output), config.name));
  for (const node of nodes)
    planned.set(
      node.id,
      await planStage(node, {
        config,
        folder,
        planned,
        shared,
        isSelected: selected.has(node.id),
        force: options.force ?? false,
      }),
    );
  return { config, folder, stages: [...planned.values()], cells };
}

function memoise<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

interface Surroundings {
  readonly config: RunConfig;
  readonly folder: RunFolder;
  readonly planned: ReadonlyMap<string, PlannedStage>;
  readonly shared: () => Promise<ReadonlyMap<string, SharedResult>>;
  readonly isSelected: boolean;
  readonly force: boolean;
}

async function planStage(
  node: StageNode,
  { config, folder, planned, shared: sharedResults, isSelected, force }: Surroundings,
): Promise<PlannedStage> {
  const { manifest, problem } = await readableManifest(folder, node.id);
  const inputs: Manifest['inputs'] = {};
  for (const [port, source] of Object.entries(node.inputs))
    inputs[port] = await describeSource(source, planned);
  const sources = node.stage.sources
    ? await node.stage.sources(node.config, (path: string) => resolve(config.directory, path))
    : undefined;
  const wanted = fingerprint({
    stage: node.stage.name,
    version: node.stage.version ?? 1,
    config: resultFields(node, node.config),
    inputs: Object.fromEntries(Object.entries(inputs).map(([port, input]) => [port, input.fingerprint])),
    seed: node.seed,
    formats: formatsOf(node),
    sources,
  });
  const blocked = isSelected ? blockedBy(node, planned) : [];
  const broken = manifest?.files ? await problemsOf(directoryOf(folder, node.id), manifest.files, false) : [];
  const reasons = [
    ...blocked,
    ...broken,
    ...(manifest ? staleReasons(node, manifest, inputs, sources, wanted) : [problem ?? 'has not been run']),
    ...(force && isSelected ? ['forced'] : []),
  ];
  const elsewhere =
    isSelected && !force && !blocked.length && reasons.length
      ? (await sharedResults()).get(wanted)
      : undefined;
  const isWhole =
    elsewhere && (await problemsOf(elsewhere.directory, elsewhere.manifest.files ?? {}, false)).length === 0;
  const shared = isWhole ? elsewhere : undefined;
  if (shared) reasons.push(`the same is in ${relative(dirname(folder.directory), shared.directory)}`);
  const state: PlannedState = !isSelected
    ? 'left out'
    : blocked.length
      ? 'blocked'
      : shared
        ? 'shared'
        : reasons.length
          ? 'stale'
          : 'fresh';
  return {
    node,
    state,
    reasons,
    fingerprint: isSelected || !manifest ? wanted : manifest.fingerprint,
    inputs,
    sources,
    manifest,
    ...(shared ? { shared } : {}),
  };
}

/** The manifest of a finished stage. One that is damaged is as good as none, and the stage is made again. */
async function readableManifest(
  folder: RunFolder,
  id: string,
): Promise<{ manifest?: Manifest; problem?: string }> {
  try {
    return { manifest: await folder.manifest(id) };
  } catch (error) {
    if (error instanceof CalmError && error.code === 'CALM_ARTIFACT_BROKEN')
      return { problem: 'its manifest.json is damaged' };
    throw error;
  }
}

/** Where a finished stage's files are: in its place, or still where it worked. */
function directoryOf(folder: RunFolder, id: string): string {
  return existsSync(join(folder.stage(id), 'manifest.json')) ? folder.stage(id) : folder.work(id);
}

async function describeSource(
  source: Source,
  planned: ReadonlyMap<string, PlannedStage>,
): Promise<{ from: string; fingerprint: string }> {
  if (source.type === 'stage')
    return { from: source.id, fingerprint: (planned.get(source.id) as PlannedStage).fingerprint };
  const manifest = await readManifest(dirname(source.directory));
  return { from: source.directory, fingerprint: manifest?.fingerprint ?? fingerprint(source.directory) };
}

/** The fields of a stage that its result follows from. */
function resultFields({ stage }: StageNode, config: Record<string, unknown>): Record<string, unknown> {
  const operational: readonly string[] = stage.operational ?? [];
  return Object.fromEntries(Object.entries(config).filter(([field]) => !operational.includes(field)));
}

/** Every kind that the stage reads or writes, with its format version. */
function formatsOf(node: StageNode): Record<string, number> {
  const inputs = Object.values(node.stage.inputs as Record<string, Parameters<typeof kindOf>[0]>).map(kindOf);
  const outputs = Object.values(node.stage.outputs as Record<string, ArtifactKind>);
  return Object.fromEntries([...inputs, ...outputs].map(({ name, formatVersion }) => [name, formatVersion]));
}

/** Inputs that neither are there nor will be made. */
function blockedBy(node: StageNode, planned: ReadonlyMap<string, PlannedStage>): string[] {
  return Object.values(node.inputs).flatMap((source) => {
    if (source.type === 'folder')
      return existsSync(source.directory) ? [] : [`${source.directory} does not exist`];
    const { state, manifest } = planned.get(source.id) as PlannedStage;
    if (state === 'blocked') return [`${source.id} is blocked`];
    return state === 'left out' && !manifest ? [`${source.id} has not been run`] : [];
  });
}

function staleReasons(
  node: StageNode,
  manifest: Manifest,
  inputs: Manifest['inputs'],
  sources: unknown,
  wanted: string,
): string[] {
  if (manifest.fingerprint === wanted) return [];
  const reasons = [
    ...differences(resultFields(node, manifest.config), resultFields(node, node.config)),
    ...(manifest.uses === node.stage.name ? [] : [`stage ${manifest.uses} → ${node.stage.name}`]),
    ...(manifest.seed === node.seed ? [] : [`seed ${manifest.seed} → ${node.seed}`]),
    ...(manifest.stageVersion === (node.stage.version ?? 1)
      ? []
      : [`stage version ${manifest.stageVersion} → ${node.stage.version ?? 1}`]),
    ...Object.entries(inputs).flatMap(([port, { from, fingerprint: print }]) =>
      manifest.inputs[port]?.fingerprint === print ? [] : [`input ${port} from ${from} changed`],
    ),
    ...(fingerprint(manifest.sources ?? null) === fingerprint(sources ?? null)
      ? []
      : ['its source files changed']),
  ];
  return reasons.length ? reasons : ['the artifact format changed'];
}

/** Where a source's artifact lies. */
export function sourceDirectory(source: Source, folder: RunFolder): string {
  return source.type === 'folder' ? source.directory : join(folder.stage(source.id), source.port);
}
