import type { StandardSchemaV1 } from '@standard-schema/spec';
import { invalidStage } from '../errors.ts';
import type {
  AnyStage,
  ArtifactKind,
  InputPorts,
  OptionalPort,
  OutputPorts,
  Plugin,
  Stage,
} from './types.ts';

/** The version of this door. A stage says which one it was written for. */
export const API_VERSION = 1;

/** Makes a stage: checks its shape and freezes it. `apiVersion` is filled in. */
export function defineStage<
  Schema extends StandardSchemaV1,
  Inputs extends InputPorts,
  Outputs extends OutputPorts,
>(stage: Omit<Stage<Schema, Inputs, Outputs>, 'apiVersion'>): Stage<Schema, Inputs, Outputs> {
  const whole = { apiVersion: API_VERSION, ...stage } as Stage<Schema, Inputs, Outputs>;
  const problem = problemOf(whole);
  if (problem) throw invalidStage(`"${String(stage?.name)}"`, problem);
  return Object.freeze(whole);
}

/** Makes an artifact kind. `open` must refuse other format versions. */
export function defineArtifact<Reader, Writer>(
  kind: ArtifactKind<Reader, Writer>,
): ArtifactKind<Reader, Writer> {
  return Object.freeze({ ...kind });
}

/** Makes a plugin, the default export of a package that brings stages. */
export function definePlugin(plugin: { name: string; stages: readonly AnyStage[] }): Plugin {
  return Object.freeze({
    name: plugin.name,
    apiVersion: API_VERSION,
    stages: Object.freeze([...plugin.stages]),
  });
}

/** Marks an input that the stage can do without. */
export function optional<Kind extends ArtifactKind>(kind: Kind): OptionalPort<Kind> {
  return Object.freeze({ kind, optional: true });
}

/** Why a value is not a stage; undefined where it is one. */
export function problemOf(stage: Partial<AnyStage> | undefined): string | undefined {
  if (typeof stage !== 'object' || stage === null) return 'it is not an object';
  if (typeof stage.name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(stage.name))
    return 'its name must be kebab-case';
  if (stage.apiVersion !== API_VERSION)
    return (
      `it is written for version ${String(stage.apiVersion)} of the stage interface, and this is ` +
      `${API_VERSION}`
    );
  if (typeof stage.run !== 'function') return 'it has no run()';
  if (!stage.config || !('~standard' in stage.config)) return 'its config is not a Standard Schema';
  if (!stage.inputs || !stage.outputs) return 'its inputs or outputs are missing ({} says "none")';
  return undefined;
}
