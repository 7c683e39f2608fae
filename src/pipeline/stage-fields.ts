/** What a stage's schema says of its fields: flags, editors and suggestions are made from it. */

import type { AnyStage } from '../plugin/index.ts';

/** JSON Schema of one field; what flags and editors are made from. */
export interface FieldSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly default?: unknown;
  readonly anyOf?: readonly FieldSchema[];
}

/** The JSON Schema of a stage's configuration, where its schema library can tell it (Standard JSON Schema). */
export function jsonSchemaOf(stage: AnyStage): Record<string, unknown> {
  const standard = stage.config['~standard'] as {
    jsonSchema?: { input(options: { target: string }): Record<string, unknown> };
  };
  return standard.jsonSchema?.input({ target: 'draft-2020-12' }) ?? { type: 'object' };
}

export function fieldsOf(stage: AnyStage): Record<string, FieldSchema> {
  return (jsonSchemaOf(stage).properties ?? {}) as Record<string, FieldSchema>;
}

/** The field of a stage that the pipeline keeps for itself, if the stage has one. */
export function reservedField(stage: AnyStage): string | undefined {
  return ['uses', 'inputs'].find((key) => key in fieldsOf(stage));
}
