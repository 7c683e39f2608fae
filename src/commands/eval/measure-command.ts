/**
 * A command for everything that `evaluate` can be asked for: `calm eval perplexity`, made from the stage's
 * own table.
 */

import { type Command, Flags, type Interfaces } from '@oclif/core';
import { CalmError } from '../../errors.ts';
import { type FieldSchema, fieldsOf } from '../../pipeline/index.ts';
import type { AnyStage, StageQuestion } from '../../plugin/index.ts';
import { flagOf, kebabCase } from '../stage-command.ts';
import { stagesOf } from '../subject.ts';
import { EvaluationCommand, evaluationArgs, evaluationFlags } from './evaluation-command.ts';

interface QuestionField {
  readonly field: string;
  readonly name: string;
  readonly schema: FieldSchema & { readonly items?: FieldSchema };
}

/** The commands of all questions, by id. */
export function measureCommands(stages: readonly AnyStage[]): Record<string, Command.Class> {
  const commands = stages.flatMap((stage) =>
    (stage.questions?.() ?? []).map((question) => [`eval:${question.name}`, measureCommand(stage, question)]),
  );
  return Object.fromEntries(commands);
}

/**
 * Runs the command of a third party's measure, which is known once the run's plugins are loaded.
 * @param named the run or its configuration
 * @returns false where there is no such measure
 */
export async function runMeasureCommand(
  [name, ...argv]: readonly string[],
  named: string | undefined,
  config: Interfaces.Config,
): Promise<boolean> {
  const registry = await stagesOf(config, named).catch((error: unknown) => {
    if (error instanceof CalmError && error.code === 'CALM_CONFIG_NONE') return undefined;
    throw error;
  });
  const stages = registry?.list().map(({ stage }) => stage) ?? [];
  const command = measureCommands(stages)[`eval:${name}`] as unknown as Runnable | undefined;
  await command?.run(argv, config);
  return command !== undefined;
}

interface Runnable {
  run(argv: readonly string[], config: Interfaces.Config): Promise<unknown>;
}

function measureCommand(stage: AnyStage, question: StageQuestion): Command.Class {
  const fields = questionFields(stage, question);
  return class MeasureCommand extends EvaluationCommand {
    static override summary = question.summary;
    static override examples = [
      `calm eval ${question.name} runs/quickstart`,
      `calm eval ${question.name} runs/quickstart --num-sequences 128 --json`,
    ];
    static override args = evaluationArgs;
    static override flags: Interfaces.FlagInput = { ...evaluationFlags, ...flagsOf(fields) };

    override async run() {
      const { args, flags } = await this.parse(MeasureCommand);
      const choice = this.choiceOf(args, flags as Parameters<EvaluationCommand['choiceOf']>[1]);
      const found = await this.measure(stage.name, question.name, choice, givenFields(fields, flags));
      this.sayFound(found);
      return found;
    }
  };
}

/** The fields of a question that can be flags. */
export function questionFields(stage: AnyStage, { fields }: StageQuestion): QuestionField[] {
  const schemas = fieldsOf(stage);
  return Object.entries(fields).map(([field, name]) => ({
    field,
    name: name ?? kebabCase(field),
    schema: schemas[field] ?? {},
  }));
}

export function flagsOf(fields: readonly QuestionField[]): Interfaces.FlagInput {
  return Object.fromEntries(
    fields.flatMap(({ name, schema }) => {
      const { description = '' } = schema;
      const flag =
        schema.type === 'array' ? Flags.string({ description, helpValue: 'A,B,…' }) : flagOf(schema);
      return flag ? [[name, flag]] : [];
    }),
  );
}

/** What flags gave, by field. */
export function givenFields(
  fields: readonly QuestionField[],
  flags: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given = fields.filter(({ name }) => flags[name] !== undefined);
  return Object.fromEntries(
    given.map(({ field, name, schema }) => [
      field,
      schema.type === 'array' ? listOf(String(flags[name]), schema.items) : flags[name],
    ]),
  );
}

/** Values separated by commas; what is no number becomes NaN, which the stage's schema refuses. */
function listOf(text: string, items: FieldSchema | undefined): unknown[] {
  const values = text.split(',').map((value) => value.trim());
  return items?.type === 'string' ? values : values.map(Number);
}
