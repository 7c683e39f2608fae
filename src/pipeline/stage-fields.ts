/** What a stage's schema says of its fields: flags, editors and suggestions are made from it. */

import type { AnyStage } from '../plugin/index.ts';

/** JSON Schema of one field; what flags and editors are made from. */
export interface FieldSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly default?: unknown;
  readonly anyOf?: readonly FieldSchema[];
  /** Of a list. */
  readonly items?: FieldSchema;
  /** Of a record. */
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  /** A key that is known only to say what has become of it. */
  readonly deprecated?: boolean;
}

/**
 * The JSON Schema of a stage's configuration, where its schema library can tell it (Standard JSON Schema).
 */
export function jsonSchemaOf(stage: AnyStage): Record<string, unknown> {
  const standard = stage.config['~standard'] as {
    jsonSchema?: { input(options: { target: string }): Record<string, unknown> };
  };
  return standard.jsonSchema?.input({ target: 'draft-2020-12' }) ?? { type: 'object' };
}

/** The fields that can be set: not those that are deprecated. */
export function fieldsOf(stage: AnyStage): Record<string, FieldSchema> {
  const fields = (jsonSchemaOf(stage).properties ?? {}) as Record<string, FieldSchema>;
  return Object.fromEntries(Object.entries(fields).filter(([, { deprecated }]) => !deprecated));
}

/** The field of a stage that the pipeline keeps for itself, if the stage has one. */
export function reservedField(stage: AnyStage): string | undefined {
  return ['uses', 'inputs'].find((key) => key in fieldsOf(stage));
}
