/** From a command's flags to a configuration, a registry and a plan. */

import type { Interfaces } from '@oclif/core';
import builtin from '#plugins';
import { engineNamed } from '../engine/names.ts';
import type { PrecisionChoice } from '../engine/precision.ts';
import { CalmError, pluginNotLoaded } from '../errors.ts';
import {
  addConfiguredPlugins,
  applyOverrides,
  type ConfigDocument,
  checkConfig,
  codeOfAll,
  makePlan,
  type Plan,
  type PlanOptions,
  packageCode,
  pluginsOf,
  Registry,
  type RunConfig,
  readConfig,
  registerExport,
} from '../pipeline/index.ts';
import { loadingEntries } from '../plugin-entries.ts';
import { calmHere } from './calm-here.ts';

export interface ConfigChoice {
  /** A YAML file or run folder; the nearest calm.yaml where absent. */
  readonly config?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly engine?: string | undefined;
  readonly precision?: PrecisionChoice | undefined;
}

/** One stage of a configuration, to be added or changed by a command's flags. */
export interface StageChange {
  readonly stage: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Workspace {
  readonly config: RunConfig;
  readonly registry: Registry;
  /** The id of the changed stage. */
  readonly stageId?: string;
}

/** Reads the configuration, applies changes, and gathers all stages. */
export async function openWorkspace(
  oclif: Interfaces.Config,
  { config: named, set = [], engine, precision }: ConfigChoice,
  change?: StageChange,
): Promise<Workspace> {
  const registry = await gatherStages(oclif);
  const document = await readConfig(named, process.cwd());
  await addConfiguredPlugins(registry, pluginsOf(applyOverrides(document, set.filter(isOfPlugins))));
  const overridden = applyOverrides(
    document,
    [...set, ...(engine ? [`engine=${engine}`] : []), ...(precision ? [`precision=${precision}`] : [])],
    registry,
  );
  const changed = change ? changeStage(overridden, change) : { document: overridden, id: undefined };
  const config = checkConfig(changed.document);
  checkEngine(config.engine);
  return { config, registry, ...(changed.id === undefined ? {} : { stageId: changed.id }) };
}

function isOfPlugins(override: string): boolean {
  return override.trimStart().startsWith('plugins');
}

/** A name that is no engine's is an error before any work. */
export function checkEngine(name: string): void {
  if (name !== 'auto') engineNamed(name);
}

/**
 * The built-in stages and those of installed oclif plugins. oclif swallows what a hook throws; it is thrown
 * again.
 */
export async function gatherStages(oclif: Interfaces.Config): Promise<Registry> {
  const registry = new Registry();
  registry.addPlugin(builtin);
  const { failures, found } = await loadingEntries(
    () => runStagesHook(oclif),
    // Installed plugins are loaded at the same time: what they register is taken for the work of them all.
    ({ found }) => (found.length ? codeOfAll(found.map(({ code }) => code)) : undefined),
  );
  for (const { error, plugin } of failures)
    throw error instanceof CalmError ? error : pluginNotLoaded(plugin.name, error);
  for (const { result, plugin, code } of found) registerExport(registry, result, plugin.name, code);
  return registry;
}

async function runStagesHook(oclif: Interfaces.Config) {
  const { failures, successes } = await oclif.runHook('calm:stages', {});
  const found = successes.map(({ result, plugin }) => ({ result, plugin, code: packageCode(plugin.root) }));
  return { failures, found };
}

/** All stages that a configuration knows; without one, those that are installed. */
export async function stagesOf(oclif: Interfaces.Config, named: string | undefined): Promise<Registry> {
  return named === undefined ? gatherStages(oclif) : (await openWorkspace(oclif, { config: named })).registry;
}

/**
 * Sets fields of the one stage of the configuration that uses the named stage, which is added where it is not
 * there.
 */
function changeStage(
  document: ConfigDocument,
  { stage, fields }: StageChange,
): { document: ConfigDocument; id: string } {
  const stages = (document.data.stages ?? {}) as Record<string, Record<string, unknown> | null>;
  const users = Object.keys(stages).filter((key) => key === stage || stages[key]?.uses === stage);
  const id = stage in stages ? stage : (users[0] ?? stage);
  const changed = { ...stages, [id]: { ...stages[id], ...fields } };
  return { document: { ...document, data: { ...document.data, stages: changed } }, id };
}

/** The plan for the configuration that a command's argument or flag names. */
export async function planFor(
  oclif: Interfaces.Config,
  { args, flags }: { readonly args: { readonly config?: string | undefined }; readonly flags: ConfigChoice },
  selection: PlanOptions = {},
): Promise<{ plan: Plan; registry: Registry }> {
  const { config, registry } = await openWorkspace(oclif, { ...flags, config: args.config ?? flags.config });
  return { plan: await makePlan(config, registry, selection), registry };
}

/** How the user would start this again, ready to be pasted into a shell. */
export function commandLine(argv: readonly string[]): string {
  return [calmHere(), ...argv.map(quoted)].join(' ');
}

/** A word of a shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
