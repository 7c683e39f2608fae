/** From a command's flags to a configuration, a registry and a plan; and the running of it. */

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { Interfaces } from '@oclif/core';
import builtin from '#plugins';
import type { EngineChoice } from '../engine/names.ts';
import { CalmError, matrixVariants, pluginNotLoaded, unknownStageId } from '../errors.ts';
import {
  addConfiguredPlugins,
  applyOverrides,
  type ConfigDocument,
  checkConfig,
  makePlan,
  type Plan,
  Registry,
  type RunConfig,
  readConfig,
  registerExport,
  runPlan,
  type Selection,
  type StageResult,
  sourceDirectory,
  withItself,
} from '../pipeline/index.ts';
import { RunReporter } from '../reporting/index.ts';

export interface ConfigChoice {
  /** A YAML file or run folder. */
  readonly config?: string;
  readonly set?: readonly string[];
  readonly engine?: string;
}

/** One stage of a configuration, to be added or changed by a command's flags. */
export interface StageChange {
  readonly stage: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether a configuration without the stage gets it. */
  readonly canAdd: boolean;
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
  choice: ConfigChoice,
  change?: StageChange,
): Promise<Workspace> {
  const registry = await gatherStages(oclif);
  const document = await findDocument(choice.config, change !== undefined);
  const overridden = applyOverrides(document, [
    ...(choice.set ?? []),
    ...(choice.engine ? [`engine=${choice.engine}`] : []),
  ]);
  const changed = change ? changeStage(overridden, change) : { document: overridden, id: undefined };
  const config = checkConfig(changed.document);
  await addConfiguredPlugins(registry, config);
  return { config, registry, stageId: changed.id };
}

/** The built-in stages and those of installed oclif plugins. oclif swallows what a hook throws; it is thrown again here. */
export async function gatherStages(oclif: Interfaces.Config): Promise<Registry> {
  const registry = new Registry();
  registry.addPlugin(builtin);
  const { failures, successes } = await oclif.runHook('calm:stages', {});
  for (const { error, plugin } of failures)
    throw error instanceof CalmError ? error : pluginNotLoaded(plugin.name, error);
  for (const { result, plugin } of successes) registerExport(registry, result, plugin.name);
  return registry;
}

/** All stages that a configuration knows; without one, those that are installed. */
export async function stagesOf(oclif: Interfaces.Config, named: string | undefined): Promise<Registry> {
  return named === undefined ? gatherStages(oclif) : (await openWorkspace(oclif, { config: named })).registry;
}

/** The named configuration or the nearest one; for commands on one stage, the newest run failing that. */
async function findDocument(named: string | undefined, mayUseNewestRun: boolean): Promise<ConfigDocument> {
  try {
    return await readConfig(named, process.cwd());
  } catch (error) {
    const newest =
      mayUseNewestRun && error instanceof CalmError && error.code === 'CALM_CONFIG_NONE'
        ? newestRun(resolve('runs'))
        : undefined;
    if (!newest) throw error;
    process.stderr.write(`using the newest run, ${relative(process.cwd(), newest)}\n`);
    return readConfig(newest, process.cwd());
  }
}

function newestRun(root: string): string | undefined {
  if (!existsSync(root)) return undefined;
  const runs = readdirSync(root).filter((name) => existsSync(join(root, name, 'config.yaml')));
  const changedAt = (name: string) => statSync(join(root, name, 'config.yaml')).mtimeMs;
  const [newest] = runs.sort((a, b) => changedAt(b) - changedAt(a));
  return newest && join(root, newest);
}

/** Sets fields of the one stage of the configuration that uses the named stage. */
function changeStage(
  document: ConfigDocument,
  { stage, fields, canAdd }: StageChange,
): { document: ConfigDocument; id: string } {
  const stages = (document.data.stages ?? {}) as Record<string, Record<string, unknown> | null>;
  const id =
    stage in stages ? stage : (Object.keys(stages).find((key) => stages[key]?.uses === stage) ?? stage);
  if (!(id in stages) && !canAdd) throw unknownStageId(stage, Object.keys(stages));
  return {
    document: {
      ...document,
      data: { ...document.data, stages: { ...stages, [id]: { ...stages[id], ...fields } } },
    },
    id,
  };
}

const packageJson = createRequire(import.meta.url)('calm-lm/package.json') as { version: string };

export interface RunChoice {
  readonly isJson: boolean;
  /** The command that goes on after Ctrl-C. */
  readonly command: string;
}

/** Does a plan, showing it as it goes. The first Ctrl-C ends the step and saves; the second ends the process. */
export async function execute(plan: Plan, { isJson, command }: RunChoice): Promise<StageResult[]> {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write('\nstopping after this step; again to stop at once\n');
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const reporter = new RunReporter({
    isLive: Boolean(process.stderr.isTTY) && !isJson,
    isTextShown: !isJson,
  });
  try {
    const loadEngine = memoise(() => startEngine(plan.config.engine));
    return await runPlan(plan, {
      report: reporter.report,
      signal: controller.signal,
      loadEngine,
      version: packageJson.version,
      command,
    });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** Loads the tensor library only when a stage asks, and says which engine it is. */
async function startEngine(choice: string) {
  const { loadEngine } = await import('../engine/index.ts');
  const engine = await loadEngine(choice as EngineChoice);
  if (choice === 'auto') process.stderr.write(`  engine: ${engine.name}\n`);
  return engine;
}

function memoise<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/**
 * Runs one stage beside its run folder, in a temporary one, and keeps nothing: its inputs are taken from where the run has them.
 * @param variant of a sweep: the stage's id in the run folder
 */
export async function executeAside(
  { config, registry, stageId }: Workspace,
  choice: RunChoice,
  variant?: string,
): Promise<StageResult> {
  const there = await makePlan(config, registry, {
    only: [stageId as string],
    workingDirectory: process.cwd(),
  });
  const planned = chosenVariant(there, stageId as string, variant);
  if (planned.state === 'blocked') await execute({ ...there, stages: [planned] }, choice);
  const inputs = Object.fromEntries(
    Object.entries(planned.node.inputs).map(([port, source]) => [
      port,
      sourceDirectory(source, there.folder),
    ]),
  );
  const cell = there.cells.findIndex(({ ids }) => ids[planned.node.base] === planned.node.id);
  const own = config.cells[cell].config;
  const output = mkdtempSync(join(tmpdir(), 'calm-'));
  try {
    const aside = withItself({
      ...own,
      output,
      stages: { [planned.node.base]: { ...own.stages[planned.node.base], inputs } },
    });
    const [result] = await execute(
      await makePlan(aside, registry, { workingDirectory: process.cwd() }),
      choice,
    );
    return result;
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

/** The one variant of a stage that is meant; a sweep may have several. */
function chosenVariant(
  { stages }: Plan,
  stageId: string,
  variant: string | undefined,
): Plan['stages'][number] {
  const all = stages.filter(({ node }) => node.base === stageId);
  const ids = all.map(({ node }) => node.id);
  if (variant !== undefined && !ids.includes(variant)) throw unknownStageId(variant, ids);
  const found = all.filter(({ node }) => variant === undefined || node.id === variant);
  if (found.length > 1) throw matrixVariants(stageId, ids);
  return found[0];
}

/** The plan for a selection of stages. */
export function planOf(
  { config, registry }: Workspace,
  selection: Selection & { force?: boolean },
): Promise<Plan> {
  return makePlan(config, registry, { ...selection, workingDirectory: process.cwd() });
}

/** The plan for the configuration that a command's argument or flag names. */
export async function planFor(
  oclif: Interfaces.Config,
  { args, flags }: { readonly args: { readonly config?: string | undefined }; readonly flags: ConfigChoice },
  selection: Parameters<typeof planOf>[1] = {},
): Promise<Plan> {
  return planOf(await openWorkspace(oclif, { ...flags, config: args.config ?? flags.config }), selection);
}

/** How the user would start this again. */
export function commandLine(argv: readonly string[]): string {
  return ['calm', ...argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`))].join(' ');
}
