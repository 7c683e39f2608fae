/**
 * What a run would do, and why: configuration + registry + manifests → ordered stages, each up to date, kept
 * or
 * shared from elsewhere, out of date or blocked. Changes nothing. Only a plan looks at corpora and other
 * sources.
 */

import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { CalmError } from '../errors.ts';
import { type HubUse, isHubAddress, locate } from '../hub/index.ts';
import type { ArtifactKind, SourceFile } from '../plugin/index.ts';
import {
  isWhole,
  type KeptResult,
  type Manifest,
  problemsOf,
  RunFolder,
  readManifest,
  resultsOfOthers,
  type SourceRecord,
} from '../runs/index.ts';
import type { RunConfig } from './config.ts';
import { differences, fingerprint } from './fingerprint.ts';
import { buildGraph, kindOf, type Selection, type Source, type StageNode, select } from './graph.ts';
import { type CellStages, mergeCells } from './merge-cells.ts';
import type { Registry } from './registry.ts';
import { contentsOf, describeFolder, describeSources } from './sources.ts';

/**
 * `kept`: this run has the result from before, and takes it up. `shared`: another run has it, and it is
 * copied.
 */
export type PlannedState = 'up to date' | 'kept' | 'shared' | 'out of date' | 'blocked' | 'left out';

export interface PlannedStage {
  readonly node: StageNode;
  readonly state: PlannedState;
  /** Why it is out of date or blocked: "steps 1000 → 2000". */
  readonly reasons: readonly string[];
  /** Of the result that this plan asks for; for a stage that is left out, of the one that is there. */
  readonly fingerprint: string;
  readonly inputs: Manifest['inputs'];
  readonly sources: readonly SourceRecord[] | undefined;
  /** Of the result that is there now. */
  readonly manifest: Manifest | undefined;
  /** The wanted result where it stands elsewhere. */
  readonly elsewhere?: KeptResult;
  /** A finished result of fewer steps, which is trained on. */
  readonly continuesFrom?: KeptResult;
  /** The stage or folder that a blocked one waits for. */
  readonly waitsFor?: string;
}

export interface Plan {
  readonly config: RunConfig;
  readonly folder: RunFolder;
  readonly stages: readonly PlannedStage[];
  /** The runs of a matrix, one where there is none. */
  readonly cells: readonly CellStages[];
}

export interface PlanOptions extends Selection {
  /** Selected stages are out of date whatever their manifests say. */
  readonly force?: boolean;
  /** Reads every source file again, whatever its size and time say. */
  readonly check?: boolean;
  /** Downloads what a selected stage names on the hub. Without it, what is not here is not there. */
  readonly download?: (address: string, use: HubUse) => Promise<void>;
}

/** Plans a run. Unknown stages, wrong wires, cycles and bad fields are errors here, before any work. */
export async function makePlan(
  config: RunConfig,
  registry: Registry,
  options: PlanOptions = {},
): Promise<Plan> {
  const graphs = [];
  for (const { labels, config: cell } of config.cells)
    graphs.push({ labels, nodes: await buildGraph(cell, registry) });
  const { nodes, cells } = mergeCells(graphs);
  const folder = new RunFolder(config.folder);
  const selected = select(nodes, options);
  const planned = new Map<string, PlannedStage>();
  const kept = memoise(() => folder.keptResults());
  const shared = memoise(() => resultsOfOthers(folder));
  for (const node of nodes) {
    const isSelected = selected.has(node.id);
    const stage = new StagePlanning(node, { config, folder, planned, kept, shared, options, isSelected });
    planned.set(node.id, await stage.plan());
  }
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
  readonly kept: () => Promise<readonly KeptResult[]>;
  readonly shared: () => Promise<ReadonlyMap<string, KeptResult>>;
  readonly options: PlanOptions;
  readonly isSelected: boolean;
}

/** What a result follows from besides its sources. */
type Ingredients = Omit<Parameters<typeof fingerprint>[0] & object, 'sources'>;

class StagePlanning {
  readonly #node: StageNode;
  readonly #around: Surroundings;

  constructor(node: StageNode, around: Surroundings) {
    this.#node = node;
    this.#around = around;
  }

  async plan(): Promise<PlannedStage> {
    const { folder, isSelected, options } = this.#around;
    const node = this.#node;
    const { manifest, problem } = await readableManifest(folder, node.id);
    const inputs = await this.#inputs(manifest);
    const ingredients = ingredientsOf(node, inputs);
    const { sources, notice } = await this.#sources(manifest, ingredients);
    const wanted = fingerprintWith(ingredients, sources);
    const found = { node, inputs, sources, manifest };
    const blocked = isSelected ? this.#blockedBy() : [];
    const broken = manifest?.files ? await problemsOf(folder.finished(node.id), manifest.files, false) : [];
    const reasons = [
      ...blocked.map(({ why }) => why),
      ...broken,
      ...(manifest ? staleReasons(found, manifest, wanted) : [problem ?? 'has not been run']),
      ...(options.force && isSelected ? ['forced'] : []),
    ];
    const state = { ...found, fingerprint: isSelected || !manifest ? wanted : manifest.fingerprint };
    if (!isSelected) return { ...state, state: 'left out', reasons };
    const [block] = blocked;
    if (block) return { ...state, state: 'blocked', reasons, waitsFor: block.waitsFor };
    if (reasons.length === 0) return { ...state, state: 'up to date', reasons: notice };
    if (!options.force) {
      const elsewhere = await this.#elsewhere(wanted, reasons);
      if (elsewhere) return { ...state, ...elsewhere };
    }
    const beginning = options.force ? undefined : await this.#beginning(ingredients, sources, manifest);
    return {
      ...state,
      ...beginning,
      state: 'out of date',
      reasons: [...reasons, ...(beginning?.notice ?? [])],
    };
  }

  async #inputs(manifest: Manifest | undefined): Promise<Manifest['inputs']> {
    const inputs: Manifest['inputs'] = {};
    for (const [port, source] of Object.entries(this.#node.inputs)) {
      const known = this.#around.options.check ? [] : (manifest?.inputs[port]?.files ?? []);
      inputs[port] = await describeInput(source, this.#around.planned, known);
    }
    return inputs;
  }

  /**
   * The source files with their hashes. Where they are gone and the finished result fits in everything else,
   * it is
   * taken as it is, and that is said: only a stage that must run again needs them.
   */
  async #sources(manifest: Manifest | undefined, ingredients: Ingredients): Promise<Sources> {
    const { stage, config, id } = this.#node;
    if (!stage.sources) return { sources: undefined, notice: [] };
    const { folder, options } = this.#around;
    const listed = await this.#listSources().catch((error: unknown) => error as Error);
    if (!listed) return { sources: undefined, notice: [] };
    const isGone = listed instanceof Error || (listed.length === 0 && (manifest?.sources?.length ?? 0) > 0);
    if (!isGone) {
      const atWork = (await folder.workRecord(folder.work(id)))?.sources ?? [];
      const known = options.check ? [] : [...atWork, ...(manifest?.sources ?? [])];
      return { sources: await describeSources(listed, known), notice: [] };
    }
    const isAsBefore = manifest && fingerprint(manifest.config) === fingerprint(config);
    const fits = isAsBefore && fingerprintWith(ingredients, manifest.sources) === manifest.fingerprint;
    const waits = listed instanceof CalmError && listed.code === 'CALM_HUB_NOT_HERE' && !options.download;
    if (!fits && listed instanceof Error && !waits && this.#around.isSelected) throw listed;
    return { sources: manifest?.sources ?? [], notice: ['its source files are not there; taken as it is'] };
  }

  async #listSources(): Promise<readonly SourceFile[] | undefined> {
    const { stage, config } = this.#node;
    const { options, isSelected, config: whole } = this.#around;
    const named = (stage.downloads?.(config) ?? []).filter(({ address }) => isHubAddress(address));
    if (isSelected) for (const { address, use } of named) await options.download?.(address, use);
    return stage.sources?.(config, (path: string) => locate(whole.directory, path));
  }

  /** The wanted result from before, or from another run. */
  async #elsewhere(wanted: string, reasons: readonly string[]) {
    const { folder, kept, shared } = this.#around;
    const own = (await kept()).find(
      ({ manifest }) => manifest.fingerprint === wanted && manifest.stage === this.#node.id,
    );
    if (own && this.#serves(own.manifest) && (await isWhole(own)))
      return { state: 'kept', elsewhere: own, reasons: [...reasons, 'kept from before'] } as const;
    const other = (await shared()).get(wanted);
    if (!other || !this.#serves(other.manifest) || !(await isWhole(other))) return undefined;
    const where = `the same is in ${relative(dirname(folder.directory), other.directory)}`;
    return { state: 'shared', elsewhere: other, reasons: [...reasons, where] } as const;
  }

  #serves({ metrics }: Manifest): boolean {
    return this.#node.stage.isStale?.(this.#node.config, metrics) === undefined;
  }

  /** A finished result that differs in fewer steps alone: trained on from, or why not. */
  async #beginning(
    ingredients: Ingredients,
    sources: readonly SourceRecord[] | undefined,
    manifest: Manifest | undefined,
  ) {
    const { stage, config, id } = this.#node;
    if (!stage.continues || typeof config.steps !== 'number') return undefined;
    const { folder, kept } = this.#around;
    const here = manifest ? [{ directory: folder.finished(id), manifest }] : [];
    const candidates = [...here, ...(await kept()).filter((result) => result.manifest.stage === id)]
      .filter(
        ({
          manifest: {
            fingerprint: print,
            config: { steps },
          },
        }) => {
          if (typeof steps !== 'number' || steps >= (config.steps as number)) return false;
          return fingerprintWith(withField(ingredients, 'steps', steps), sources) === print;
        },
      )
      .sort((a, b) => Number(b.manifest.config.steps) - Number(a.manifest.config.steps));
    const [best] = candidates;
    if (!best) return undefined;
    const hindrance = stage.continues(config) ?? missingCheckpoint(best.directory);
    const from = `the ${best.manifest.config.steps} steps that are there`;
    return hindrance
      ? { notice: [`starts anew instead of from ${from}: ${hindrance}`] }
      : { notice: [`continues from ${from}`], continuesFrom: best };
  }

  /** Inputs that neither are there nor will be made. */
  #blockedBy(): Hindrance[] {
    return Object.values(this.#node.inputs).flatMap((source) => {
      if (source.type === 'folder') {
        const { directory } = source;
        return existsSync(directory) ? [] : [{ waitsFor: directory, why: `${directory} does not exist` }];
      }
      const { id } = source;
      const { state, manifest } = this.#around.planned.get(id) as PlannedStage;
      if (state === 'blocked') return [{ waitsFor: id, why: `${id} is blocked` }];
      return state === 'left out' && !manifest ? [{ waitsFor: id, why: `${id} has not been run` }] : [];
    });
  }
}

/** What keeps a stage from being run. */
interface Hindrance {
  readonly waitsFor: string;
  readonly why: string;
}

interface Sources {
  readonly sources: readonly SourceRecord[] | undefined;
  readonly notice: readonly string[];
}

function missingCheckpoint(directory: string): string | undefined {
  return existsSync(join(directory, 'checkpoints')) ? undefined : 'its checkpoints are gone';
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

async function describeInput(
  source: Source,
  planned: ReadonlyMap<string, PlannedStage>,
  known: readonly SourceRecord[],
): Promise<Manifest['inputs'][string]> {
  if (source.type === 'stage')
    return { from: source.id, fingerprint: (planned.get(source.id) as PlannedStage).fingerprint };
  const { directory } = source;
  const manifest = await readManifest(dirname(directory));
  if (manifest) return { from: directory, fingerprint: manifest.fingerprint };
  const files = await describeFolder(directory, known);
  return { from: directory, fingerprint: fingerprint(contentsOf(files)), files };
}

/** Everything that a result follows from but its sources. */
function ingredientsOf(
  { stage, config, code, partsCode, seed, ...node }: StageNode,
  inputs: Manifest['inputs'],
) {
  return {
    stage: stage.name,
    version: stage.version ?? 1,
    ...(code ? { code } : {}),
    ...(partsCode ? { partsCode } : {}),
    config: resultFields(stage, config),
    inputs: Object.fromEntries(Object.entries(inputs).map(([port, input]) => [port, input.fingerprint])),
    ...(stage.drawsNothing ? {} : { seed }),
    formats: formatsOf({ stage, config, seed, ...node }),
  };
}

function withField(ingredients: Ingredients, field: string, value: unknown): Ingredients {
  const { config } = ingredients as { config: Record<string, unknown> };
  return { ...ingredients, config: { ...config, [field]: value } };
}

function fingerprintWith(ingredients: Ingredients, sources: readonly SourceRecord[] | undefined): string {
  return fingerprint({ ...ingredients, sources: contentsOf(sources) });
}

/** The fields of a stage that its result follows from. */
export function resultFields(
  { operational = [] }: StageNode['stage'],
  config: Record<string, unknown>,
): Record<string, unknown> {
  const left: readonly string[] = typeof operational === 'function' ? operational(config) : operational;
  return Object.fromEntries(Object.entries(config).filter(([field]) => !left.includes(field)));
}

/** Every kind that the stage reads or writes, with its format version. */
function formatsOf({ stage }: Pick<StageNode, 'stage' | 'config' | 'seed'>): Record<string, number> {
  const inputs = Object.values(stage.inputs as Record<string, Parameters<typeof kindOf>[0]>).map(kindOf);
  const outputs = Object.values(stage.outputs as Record<string, ArtifactKind>);
  return Object.fromEntries([...inputs, ...outputs].map(({ name, formatVersion }) => [name, formatVersion]));
}

function staleReasons(
  { node, inputs, sources }: Pick<PlannedStage, 'node' | 'inputs' | 'sources'>,
  manifest: Manifest,
  wanted: string,
): string[] {
  const unserved = node.stage.isStale?.(node.config, manifest.metrics);
  if (manifest.fingerprint === wanted) return unserved ? [unserved] : [];
  const version = node.stage.version ?? 1;
  const changed = (what: string, before: unknown, after: unknown) =>
    before === after ? [] : [`${what} ${before} → ${after}`];
  const reasons = [
    ...differences(resultFields(node.stage, manifest.config), resultFields(node.stage, node.config)),
    ...changed('stage', manifest.uses, node.stage.name),
    ...(node.stage.drawsNothing ? [] : changed('seed', manifest.seed, node.seed)),
    ...changed('stage version', manifest.stageVersion, version),
    ...(manifest.code === node.code ? [] : ['the code of its plugin changed']),
    ...(manifest.partsCode === node.partsCode ? [] : ['the code of a plugin that it uses changed']),
    ...Object.entries(inputs).flatMap(([port, { from, fingerprint: print }]) =>
      manifest.inputs[port]?.fingerprint === print ? [] : [`input ${port} from ${from} changed`],
    ),
    ...(fingerprint(contentsOf(manifest.sources) ?? null) === fingerprint(contentsOf(sources) ?? null)
      ? []
      : ['its source files changed']),
  ];
  return reasons.length ? reasons : ['the artifact format changed'];
}

/** Where a source's artifact lies. */
export function sourceDirectory(source: Source, folder: RunFolder): string {
  return source.type === 'folder' ? source.directory : join(folder.stage(source.id), source.port);
}
