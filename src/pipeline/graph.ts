/** Which stage feeds which: from the kinds of ports, or from `inputs:` where that says otherwise. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  ambiguousInput,
  CalmError,
  cyclicStages,
  inputNotTaken,
  missingInput,
  unknownPort,
  unknownStageId,
  wrongWire,
} from '../errors.ts';
import { resolvePath } from '../paths.ts';
import type { AnyStage, ArtifactKind, OptionalPort } from '../plugin/index.ts';
import { codeOfEntry } from '../plugin-entries.ts';
import { issueError, type RunConfig, type StageEntry } from './config.ts';
import { codeOfAll } from './plugin-code.ts';
import type { Registry } from './registry.ts';
import { fieldsOf } from './stage-fields.ts';

/** Where an input comes from: another stage's output, or a folder from elsewhere. */
export type Source =
  | { readonly type: 'stage'; readonly id: string; readonly port: string }
  | { readonly type: 'folder'; readonly directory: string };

export interface StageNode {
  /** Its folder's name. */
  readonly id: string;
  /** Its name in the configuration: `train-lm` of `train-lm@flow`. */
  readonly base: string;
  readonly seed: number;
  readonly stage: AnyStage;
  /** Hash of a third-party stage's code. */
  readonly code?: string | undefined;
  /** Hash of the code of what it takes from plugins besides. */
  readonly partsCode?: string | undefined;
  /** The stage's configuration, checked, defaults filled in. */
  readonly config: Record<string, unknown>;
  /** Port → source; an optional port without one is left out. */
  readonly inputs: Readonly<Record<string, Source>>;
}

/** The stages of a configuration, by id. */
type Stages = ReadonlyMap<string, AnyStage>;

/**
 * Checks every stage's fields and wires the stages. Returns them in an order in which each follows what it
 * needs.
 */
export async function buildGraph(config: RunConfig, registry: Registry): Promise<StageNode[]> {
  const entries = Object.entries(config.stages).map(([id, entry]) => ({
    ...{ id, entry },
    stage: registry.get(entry.uses, config.locate(['stages', id])),
  }));
  const stages: Stages = new Map(entries.map(({ id, stage }) => [id, stage]));
  const nodes: StageNode[] = [];
  for (const { id, entry, stage } of entries) {
    const checked = await checkedFields(stage, id, entry.fields, config.locate);
    nodes.push({
      id,
      base: id,
      seed: config.seed,
      stage,
      code: registry.codeOf(entry.uses),
      partsCode: partsCodeOf(stage, checked),
      config: checked,
      inputs: wire(config, id, { ...entry, stage, taken: takenPorts(stage, checked) }, stages, registry),
    });
  }
  // Loops first: what waits for itself is worse than what is of the wrong kind.
  const sorted = sortByNeed(nodes);
  for (const node of nodes) checkKinds(config, node, stages);
  return sorted;
}

/** Hash of the code of what a stage takes from plugins, heads, say; undefined where it takes nothing. */
function partsCodeOf(stage: AnyStage, checked: Record<string, unknown>): string | undefined {
  const codes = (stage.parts?.(checked) ?? []).flatMap((entry: object) => codeOfEntry(entry) ?? []);
  return codes.length ? codeOfAll(codes) : undefined;
}

/** Refuses wires whose ends are of different kinds. */
function checkKinds(config: RunConfig, { id, stage, inputs }: StageNode, stages: Stages): void {
  for (const [port, source] of Object.entries(inputs)) {
    if (source.type !== 'stage') continue;
    const wanted = kindOf(stage.inputs[port] as ArtifactKind | OptionalPort).name;
    const found =
      (stages.get(source.id)?.outputs as Record<string, ArtifactKind> | undefined)?.[source.port]?.name ??
      'stage without such an output';
    if (found !== wanted) throw at(config, id, port, wrongWire(id, port, wanted, source.id, found));
  }
}

/** Runs a stage's own schema over its fields. @param id names it in errors */
export async function checkedFields(
  stage: AnyStage,
  id: string,
  fields: Readonly<Record<string, unknown>>,
  locate: RunConfig['locate'],
): Promise<Record<string, unknown>> {
  const result = (await stage.config['~standard'].validate(fields)) as StandardSchemaV1.Result<
    Record<string, unknown>
  >;
  if (result.issues) {
    const known = Object.keys(fieldsOf(stage));
    throw issueError(result.issues, locate, ['stages', id], `Stage "${id}"`, known);
  }
  return result.value;
}

/** The inputs of a stage, by kind. */
export function wantedInputs(
  stage: Pick<AnyStage, 'inputs'>,
): { port: string; kind: string; isOptional: boolean }[] {
  const ports = Object.entries(stage.inputs as Record<string, ArtifactKind | OptionalPort>);
  return ports.map(([port, declared]) => ({
    port,
    kind: kindOf(declared).name,
    isOptional: 'optional' in declared,
  }));
}

/** An input port's kind, whether optional or not. */
export function kindOf(port: ArtifactKind | OptionalPort): ArtifactKind {
  return 'optional' in port ? port.kind : port;
}

/** The inputs that a stage takes with these fields. */
export function takenPorts(stage: AnyStage, config: Readonly<Record<string, unknown>>): readonly string[] {
  return stage.inputsFor?.(config) ?? Object.keys(stage.inputs);
}

function wire(
  config: RunConfig,
  id: string,
  entry: StageEntry & { readonly stage: AnyStage; readonly taken: readonly string[] },
  stages: Stages,
  registry: Registry,
): Record<string, Source> {
  const ports = entry.stage.inputs as Record<string, ArtifactKind | OptionalPort>;
  for (const port of Object.keys(entry.inputs))
    if (!(port in ports)) throw at(config, id, port, unknownPort(id, port, Object.keys(ports)));
    else if (!entry.taken.includes(port)) throw at(config, id, port, inputNotTaken(id, port, entry.taken));
  const wired: Record<string, Source> = {};
  for (const [port, declared] of Object.entries(ports)) {
    if (!entry.taken.includes(port)) continue;
    const given = entry.inputs[port];
    const source =
      given === undefined
        ? sourceByKind(id, port, declared, stages, registry)
        : sourceByName(config, id, port, given, kindOf(declared), stages);
    if (source) wired[port] = source;
  }
  return wired;
}

/** The same error with the place of the wiring. */
function at(config: RunConfig, id: string, port: string, error: CalmError): CalmError {
  return new CalmError(error.code, error.message, {
    hint: error.hint,
    location: config.locate(['stages', id, 'inputs', port]),
  });
}

function sourceByKind(
  id: string,
  port: string,
  declared: ArtifactKind | OptionalPort,
  stages: Stages,
  registry: Registry,
): Source | undefined {
  const kind = kindOf(declared).name;
  const candidates = [...stages]
    .filter(([other]) => other !== id)
    .flatMap(([other, stage]) =>
      outputsOf(stage).flatMap(([output, { name }]) =>
        name === kind ? [{ type: 'stage', id: other, port: output } as const] : [],
      ),
    );
  if (candidates.length > 1)
    throw ambiguousInput(
      id,
      port,
      candidates.map(({ id: other }) => other),
    );
  if (candidates.length === 0 && !('optional' in declared))
    throw missingInput(id, port, kind, registry.makersOf(kind));
  return candidates[0];
}

function sourceByName(
  config: RunConfig,
  id: string,
  port: string,
  given: string,
  kind: ArtifactKind,
  stages: Stages,
): Source {
  if (given.startsWith('.') || given.startsWith('/') || given.startsWith('~'))
    return { type: 'folder', directory: resolvePath(config.directory, given) };
  const [other = '', named] = given.split('.');
  const stage = stages.get(other);
  if (!stage) throw at(config, id, port, unknownStageId(other, [...stages.keys()]));
  const outputs = outputsOf(stage);
  const fitting = outputs.find(([, { name }]) => name === kind.name) ?? outputs[0];
  return { type: 'stage', id: other, port: named ?? fitting?.[0] ?? '' };
}

function outputsOf(stage: AnyStage): [string, ArtifactKind][] {
  return Object.entries(stage.outputs as Record<string, ArtifactKind>);
}

/** The ids of the stages that a node takes its inputs from. */
export function needsOf(node: StageNode): string[] {
  return Object.values(node.inputs).flatMap((source) => (source.type === 'stage' ? [source.id] : []));
}

/** Depth first; a loop is an error that prints it. */
function sortByNeed(nodes: readonly StageNode[]): StageNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const sorted: StageNode[] = [];
  const path: string[] = [];
  const visit = (node: StageNode) => {
    if (sorted.includes(node)) return;
    if (path.includes(node.id)) throw cyclicStages([...path.slice(path.indexOf(node.id)), node.id]);
    path.push(node.id);
    for (const id of needsOf(node)) visit(byId.get(id) as StageNode);
    path.pop();
    sorted.push(node);
  };
  nodes.forEach(visit);
  return sorted;
}

/** Which stages a command asks for. */
export interface Selection {
  /** This stage and all that depend on it. */
  readonly from?: string;
  /** This stage and all that it depends on. */
  readonly until?: string;
  /** These stages and no others. */
  readonly only?: readonly string[];
}

/** The ids that a selection covers. A name of the configuration stands for all its variants. */
export function select(nodes: readonly StageNode[], { from, until, only }: Selection): Set<string> {
  const named = (name: string) => {
    const found = nodes.filter(({ id, base }) => id === name || base === name).map(({ id }) => id);
    if (found.length === 0)
      throw unknownStageId(name, [...new Set(nodes.flatMap(({ id, base }) => [id, base]))]);
    return found;
  };
  const upstream = (id: string): string[] => [
    id,
    ...needsOf(nodes.find((node) => node.id === id) as StageNode).flatMap(upstream),
  ];
  const [first, last, wanted] = [
    from === undefined ? undefined : named(from),
    until === undefined ? undefined : named(until),
    only?.flatMap(named),
  ];
  const isBefore = new Set(last?.flatMap(upstream));
  const isSelected = ({ id }: StageNode) =>
    (!wanted?.length || wanted.includes(id)) &&
    (!first || upstream(id).some((need) => first.includes(need))) &&
    (!last || isBefore.has(id));
  return new Set(nodes.filter(isSelected).map(({ id }) => id));
}
