/**
 * What a command reads: a run, named by its folder or by the configuration that made it, or a model folder.
 * The stage
 * that is asked takes its fields from there, and flags change them.
 */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Interfaces } from '@oclif/core';
import type { PrecisionChoice } from '../engine/precision.ts';
import { inputNotInFolder, messageOf, notAnOverride, takesNoText } from '../errors.ts';
import { resolvePath } from '../paths.ts';
import {
  addConfiguredPlugins,
  applyOverrides,
  checkConfig,
  checkedFields,
  kindOf,
  type Question,
  type Registry,
  readConfig,
  wantedInputs,
} from '../pipeline/index.ts';
import type { AnyStage, ArtifactKind, CheckpointChoice, TextMaker } from '../plugin/index.ts';
import { type ChosenInputs, chooseInputs, isModelFolder, Run } from '../runs/index.ts';
import { warn } from './base-command.ts';
import { type ConfigChoice, checkEngine, gatherStages, openWorkspace } from './workspace.ts';

export interface SubjectChoice extends ConfigChoice {
  /** Of several, the stage of the run that is meant. */
  readonly variant?: string | undefined;
  readonly checkpoint?: CheckpointChoice | undefined;
}

/** The run that a folder holds, or that a configuration makes. Its corpus need not be there. */
export async function openRun(
  named: string | undefined,
  set: readonly string[] | undefined = [],
): Promise<Run> {
  const folder = folderNamed(named);
  if (folder) return Run.open(folder);
  const document = await readConfig(named, process.cwd());
  return Run.open(document.runFolder ?? checkConfig(applyOverrides(document, set)).folder);
}

/** The folder of the run or model that is named, for what loads a model itself. */
export async function subjectFolder(named: string | undefined): Promise<string> {
  return folderNamed(named) ?? (await openRun(named)).folder.directory;
}

function folderNamed(named: string | undefined): string | undefined {
  const path = named === undefined ? undefined : resolvePath(process.cwd(), named);
  return path && statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : undefined;
}

/** A stage with its fields, and what it is asked about. */
export interface Subject {
  readonly question: Question;
  readonly engine: string;
  readonly precision: PrecisionChoice;
  readonly isEnginePreferred: boolean;
  readonly registry: Registry;
}

/** @param fields of the stage, as flags gave them */
export async function openSubject(
  oclif: Interfaces.Config,
  choice: SubjectChoice,
  stage: string,
  fields: Readonly<Record<string, unknown>>,
  given: ChosenInputs = {},
): Promise<Subject> {
  const folder = folderNamed(choice.config);
  if (!folder) return subjectOfConfig(oclif, choice, stage, fields, given);
  const isModel = isModelFolder(folder);
  const run = isModel ? undefined : await Run.open(folder);
  const registry = await gatherStages(oclif);
  if (run?.record) await addPlugins(registry, run.record);
  const asked = registry.get(stage);
  const own = overriddenFields(
    choice.set ?? [],
    stage,
    run ? fieldsIn(run, stage, choice.variant) : {},
    registry,
  );
  const file = resolve(folder, isModel ? 'config.json' : 'config.yaml');
  const config = await checkedFields(asked, stage, { ...own, ...fields }, () => ({ file }));
  const found = run ? await inputsOf(run, asked, choice, given) : await inputsIn(folder, asked, given);
  if (choice.engine) checkEngine(choice.engine);
  return {
    registry,
    engine: choice.engine ?? run?.record?.engine ?? 'auto',
    precision: choice.precision ?? run?.record?.precision ?? 'f32',
    isEnginePreferred: choice.engine === undefined,
    question: questionOf(registry, asked, { config, ...found, folder: run?.folder.directory, choice }),
  };
}

/** The run of a configuration; its fields are taken as they are in the file now. */
async function subjectOfConfig(
  oclif: Interfaces.Config,
  choice: SubjectChoice,
  stage: string,
  fields: Readonly<Record<string, unknown>>,
  given: ChosenInputs,
): Promise<Subject> {
  const { config, registry, stageId = stage } = await openWorkspace(oclif, choice, { stage, fields });
  const asked = registry.get(stage);
  const entry = config.stages[stageId]?.fields ?? {};
  const checked = await checkedFields(asked, stageId, entry, config.locate);
  const run = await Run.open(config.folder);
  const found = await inputsOf(run, asked, choice, given);
  return {
    registry,
    engine: config.engine,
    precision: config.precision,
    isEnginePreferred: choice.engine === undefined,
    question: questionOf(registry, asked, {
      config: checked,
      ...found,
      folder: run.folder.directory,
      choice,
    }),
  };
}

interface Found {
  readonly inputs: ChosenInputs;
  readonly seed: number;
}

function questionOf(
  registry: Registry,
  stage: AnyStage,
  { choice, ...found }: Found & Pick<Question, 'config' | 'folder'> & { readonly choice: SubjectChoice },
): Question {
  return { stage, code: registry.codeOf(stage.name), checkpoint: choice.checkpoint, ...found };
}

async function inputsOf(
  run: Run,
  stage: Pick<AnyStage, 'name' | 'inputs'>,
  choice: SubjectChoice,
  given: ChosenInputs,
): Promise<Found> {
  const wanted = wantedInputs(stage).filter(({ port }) => !(port in given));
  const chosen = await chooseInputs(run, wanted, {
    variant: choice.variant,
    mayBeUnfinished: choice.checkpoint !== undefined,
    stage: stage.name,
  });
  const last = newestOf(chosen);
  const seed = (last && run.stage(last.stage)?.manifest?.seed) ?? 0;
  return { inputs: { ...chosen, ...given }, seed };
}

/** The parts of a model folder, as the kinds of artifacts find them. */
async function inputsIn(
  folder: string,
  stage: Pick<AnyStage, 'name' | 'inputs'>,
  given: ChosenInputs,
): Promise<Found> {
  const inputs: Record<string, ChosenInputs[string]> = { ...given };
  for (const { port, kind, isOptional } of wantedInputs(stage)) {
    if (port in given) continue;
    const directory = await kindOf(stage.inputs[port]).findIn?.(folder);
    if (directory) inputs[port] = { stage: folder, port, kind, directory, isFinished: true, order: 0 };
    else if (!isOptional) throw inputNotInFolder(stage.name, kind, folder);
  }
  return { inputs, seed: 0 };
}

/** How text that a command is given becomes an input of the stage that it asks. */
export interface InputOfText {
  readonly stage: AnyStage;
  readonly ofText: TextMaker;
  /** The output that is made, and the input that takes it. */
  readonly output: string;
  readonly port: string;
  readonly kind: string;
}

/** The stage that makes an input of the asked one from given text. */
export function textMakerFor(registry: Registry, asked: string): InputOfText {
  const wanted = wantedInputs(registry.get(asked));
  for (const { stage } of registry.list())
    for (const [output, { name: kind }] of Object.entries<ArtifactKind>(stage.outputs)) {
      const taken = wanted.find((input) => input.kind === kind);
      if (stage.ofText && taken) return { stage, ofText: stage.ofText, output, port: taken.port, kind };
    }
  throw takesNoText(asked);
}

/**
 * The folder of the artifact of these kinds that was made last, of the run or model folder that is meant.
 * @param stage named in errors
 */
export async function newestLike(
  choice: SubjectChoice,
  stage: string,
  inputs: TextMaker['like'],
): Promise<string> {
  const folder = folderNamed(choice.config);
  const isModel = folder !== undefined && isModelFolder(folder);
  const found = isModel
    ? await inputsIn(folder, { name: stage, inputs }, {})
    : await inputsOf(await openRun(choice.config), { name: stage, inputs }, choice, {});
  const last = newestOf(found.inputs);
  const kinds = Object.values(inputs).map((port) => kindOf(port).name);
  if (!last) throw inputNotInFolder(stage, kinds.join(' or '), folder ?? String(choice.config));
  return last.directory;
}

function newestOf(inputs: ChosenInputs): ChosenInputs[string] | undefined {
  return Object.values(inputs).sort((a, b) => b.order - a.order)[0];
}

/** The stages of a run's plugins or of a configuration's, with whatever else their modules register. */
export async function stagesOf(oclif: Interfaces.Config, named: string | undefined): Promise<Registry> {
  const folder = folderNamed(named);
  if (!folder) return (await openWorkspace(oclif, { config: named })).registry;
  const registry = await gatherStages(oclif);
  const record = isModelFolder(folder) ? undefined : (await Run.open(folder)).record;
  if (record) await addPlugins(registry, record);
  return registry;
}

/**
 * Third-party stages and heads as the run had them. Most readers do without, so a missing one is only said.
 */
async function addPlugins(
  registry: Registry,
  { plugins, directory }: { readonly plugins: readonly string[]; readonly directory: string },
): Promise<void> {
  for (const plugin of plugins) {
    const locate = () => ({ file: directory });
    await addConfiguredPlugins(registry, { plugins: [plugin], directory, locate }).catch((error: unknown) =>
      warn(messageOf(error)),
    );
  }
}

/** The fields that a stage had in a run: of its result, or else of the configuration that was last run. */
function fieldsIn(run: Run, stage: string, variant: string | undefined): Record<string, unknown> {
  const users = run.stages.filter(({ uses }) => uses === stage);
  const meant = users.find(({ id }) => id === variant) ?? users[0];
  return meant?.manifest?.config ?? run.record?.fields[meant?.base ?? stage] ?? {};
}

/** `--set` of a command that reads: the fields of the stage that is asked, and nothing else. */
function overriddenFields(
  set: readonly string[],
  stage: string,
  fields: Record<string, unknown>,
  registry: Registry,
): Record<string, unknown> {
  for (const text of set) {
    const path = text
      .replace(/=.*/s, '')
      .trim()
      .replace(/^stages\./, '');
    if (!path.startsWith(`${stage}.`)) throw notAnOverride(text, stage);
  }
  const data = { stages: { [stage]: fields } };
  const document = { file: '', directory: '', outputBase: '', data, locate: () => ({ file: '' }) };
  const changed = applyOverrides(document, set, registry).data.stages as typeof data.stages;
  return changed[stage] ?? {};
}
