/** A command for everything that stages can be asked for: `calm eval perplexity`, made from their tables. */

import { type Command, Flags, type Interfaces } from '@oclif/core';
import { type FieldSchema, fieldsOf } from '../../pipeline/index.ts';
import type { AnyStage, QuestionSwitch, StageQuestion } from '../../plugin/index.ts';
import { flagOf, kebabCase } from '../stage-command.ts';
import { EvaluationCommand, evaluationArgs, evaluationFlags } from './evaluation-command.ts';

interface QuestionField {
  readonly field: string;
  readonly name: string;
  readonly schema: FieldSchema & { readonly items?: FieldSchema };
}

/** A question with the stage that answers it, and the fields that can be flags. */
interface Asked {
  readonly stage: AnyStage;
  readonly question: StageQuestion;
  readonly fields: readonly QuestionField[];
}

/** A question that a flag puts in the place of another. */
type Switched = Asked & { readonly by: QuestionSwitch };

/** The commands of all questions, by id. */
export function measureCommands(stages: readonly AnyStage[]): Record<string, Command.Class> {
  const all = stages.flatMap((stage) =>
    (stage.questions?.() ?? []).map((question) => asked(stage, question)),
  );
  const switched = all.flatMap((one) =>
    one.question.insteadOf ? [{ ...one, by: one.question.insteadOf }] : [],
  );
  const commands = all
    .filter(({ question: { name, insteadOf } }) => insteadOf?.question !== name)
    .map((one) => {
      const { name } = one.question;
      const others = switched.filter(({ by }) => by.question === name);
      return [`eval:${name}`, measureCommand(one, others)] as const;
    });
  return Object.fromEntries(commands);
}

/** @param others what flags ask instead */
function measureCommand(own: Asked, others: readonly Switched[]): Command.Class {
  const { name, summary } = own.question;
  const fields = [own, ...others].flatMap((one) => one.fields);
  return class MeasureCommand extends EvaluationCommand {
    static override id = `eval:${name}`;
    static override summary = summary;
    static override examples = [
      `calm eval ${name} runs/quickstart`,
      `calm eval ${name} runs/quickstart --num-sequences 128 --json`,
      ...others.flatMap(({ by }) => (by.example ? [`calm eval ${name} runs/quickstart ${by.example}`] : [])),
    ];
    static override args = evaluationArgs;
    static override flags: Interfaces.FlagInput = {
      ...Object.assign({}, ...others.map(flagsOfOther)),
      ...evaluationFlags,
      ...flagsOf(own.fields),
    };

    override async run() {
      const { args, flags } = await this.parse(MeasureCommand);
      const choice = this.choiceOf(args, flags as Parameters<EvaluationCommand['choiceOf']>[1]);
      const { stage, question } = others.find(({ by }) => flags[by.flag] !== undefined) ?? own;
      const found = await this.measure(stage.name, question.name, choice, givenFields(fields, flags));
      this.sayFound(found, choice);
      return found.document;
    }
  };
}

/** The fields of a question that can be flags. */
function asked(stage: AnyStage, question: StageQuestion): Asked {
  const schemas = fieldsOf(stage);
  const fields = Object.entries(question.fields).map(([field, name]) => ({
    field,
    name: name ?? kebabCase(field),
    schema: schemas[field] ?? {},
  }));
  return { stage, question, fields };
}

function flagsOf(fields: readonly QuestionField[]): Interfaces.FlagInput {
  return Object.fromEntries(
    fields.flatMap(({ name, schema }) => {
      const { description = '' } = schema;
      const flag =
        schema.type === 'array' ? Flags.string({ description, helpValue: 'A,B,…' }) : flagOf(schema);
      return flag ? [[name, flag]] : [];
    }),
  );
}

/** The flag that asks the other question, and those of its fields, which depend on it. */
function flagsOfOther({ fields, by: { flag, summary } }: Switched): Interfaces.FlagInput {
  const found = Object.entries(flagsOf(fields)).map(([name, definition]) => {
    const description =
      name === flag ? summary : `with --${flag}: ${lowerFirst(String(definition.description ?? ''))}`;
    return [name, { ...definition, description, ...(name === flag ? {} : { dependsOn: [flag] }) }];
  });
  return { [flag]: Flags.boolean({ description: summary }), ...Object.fromEntries(found) };
}

function lowerFirst(text: string): string {
  return `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;
}

/** What flags gave, by field. */
function givenFields(
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
  const isText = [items, ...(items?.anyOf ?? [])].some((schema) => schema?.type === 'string');
  return isText ? values : values.map(Number);
}
