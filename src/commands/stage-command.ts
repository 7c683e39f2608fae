/** A command for every stage, made from its schema: `calm train-lm --steps 500`. */

import { Args, type Command, Flags, type Interfaces } from '@oclif/core';
import { type FieldSchema, fieldsOf, makePlan } from '../pipeline/index.ts';
import type { AnyStage } from '../plugin/index.ts';
import { formatRun } from '../reporting/index.ts';
import { BaseCommand, configArgs, configFlags, readingFlags, runArgs } from './base-command.ts';
import { ask, execute } from './executing.ts';
import { openSubject, type SubjectChoice } from './subject.ts';
import { isInputPiped, readInput, STANDARD_INPUT, typedPrompts } from './typed-prompts.ts';
import { commandLine, openWorkspace } from './workspace.ts';

type AnyFlag = Interfaces.FlagInput[string];

interface StageField {
  readonly field: string;
  readonly name: string;
  readonly flag: AnyFlag;
}

/**
 * Makes the command of a stage. One flag for each scalar field; an interactive stage leaves the run folder
 * alone.
 */
export function stageCommand(stage: AnyStage): Command.Class {
  const fields = Object.entries(fieldsOf(stage)).flatMap(([field, schema]) => {
    const flag = flagOf(schema);
    return flag ? [{ field, name: kebabCase(field), flag }] : [];
  });
  return stage.isInteractive ? askingCommand(stage, fields) : runningCommand(stage, fields);
}

function flagsOf(fields: readonly StageField[]): Interfaces.FlagInput {
  return Object.fromEntries(fields.map(({ name, flag }) => [name, flag]));
}

/** The fields that flags gave. */
function givenFields(fields: readonly StageField[], flags: Record<string, unknown>): Record<string, unknown> {
  const given = fields.filter(({ name }) => flags[name] !== undefined);
  return Object.fromEntries(given.map(({ field, name }) => [field, flags[name]]));
}

function runningCommand(stage: AnyStage, fields: readonly StageField[]): Command.Class {
  return class StageCommand extends BaseCommand {
    static override summary = stage.summary;
    static override description =
      'Runs this one stage of a configuration, with its fields changed by flags. The other stages are ' +
      'taken as they are.';
    static override args = configArgs;
    static override flags: Interfaces.FlagInput = {
      ...configFlags,
      force: Flags.boolean({ char: 'f', description: 'run even if it is fresh' }),
      ...flagsOf(fields),
    };

    override async run() {
      const { args, flags } = await this.parse(StageCommand);
      const choice = { ...(flags as SubjectChoice), config: args.config ?? flags.config };
      const change = { stage: stage.name, fields: givenFields(fields, flags) };
      const { config, registry, stageId = stage.name } = await openWorkspace(this.config, choice, change);
      const plan = await makePlan(config, registry, { only: [stageId], force: flags.force as boolean });
      const stages = await execute(plan, {
        isJson: this.jsonEnabled(),
        command: commandLine([stage.name, ...this.argv]),
      });
      this.say(`\n${formatRun(stages)}`);
      return { run: plan.folder.directory, stages };
    }
  };
}

function askingCommand(stage: AnyStage, fields: readonly StageField[]): Command.Class {
  const prompting = stage.prompt ? PROMPT_FLAGS : {};
  return class StageCommand extends BaseCommand {
    static override summary = stage.summary;
    static override description =
      `Reads a run or a model folder, and leaves it as it is.${stage.prompt ? ` ${ABOUT_PROMPTS}` : ''}`;
    static override args: Interfaces.ArgInput = stage.prompt ? { ...runArgs, ...PROMPT_ARGS } : runArgs;
    static override flags: Interfaces.FlagInput = { ...readingFlags, ...flagsOf(fields), ...prompting };

    override async run() {
      const { args, flags } = await this.parse(StageCommand);
      const given = givenFields(fields, flags);
      const prompt = stage.prompt ? await promptOf(stage.prompt, args, flags) : {};
      const named = [args.run, flags.config].find((name) => name !== undefined && name !== STANDARD_INPUT);
      const choice = { ...(flags as SubjectChoice), config: named as string | undefined };
      const subject = await openSubject(this.config, choice, stage.name, { ...given, ...prompt });
      const question = { ...subject.question, ...(flags.interactive ? { prompts: typedPrompts } : {}) };
      const command = commandLine([stage.name, ...this.argv]);
      return (await ask(question, { ...subject, isJson: this.jsonEnabled(), command })).metrics;
    }
  };
}

const PROMPT_FLAGS = {
  interactive: Flags.boolean({
    char: 'i',
    description: 'ask for prompts one after the other; Ctrl-C stops a text, Ctrl-D ends',
  }),
};

const PROMPT_ARGS = {
  input: Args.string({
    description: '- reads the prompt from standard input, as is done where one is piped in',
    ignoreStdin: true,
    options: [STANDARD_INPUT],
  }),
};

const ABOUT_PROMPTS =
  'A prompt that is piped in is read to its end; the line break that ends it is no part of it.';

/** The prompt of a command line, where it is to be read from standard input. */
async function promptOf(
  { field, instead = field }: NonNullable<AnyStage['prompt']>,
  args: Readonly<Record<string, unknown>>,
  flags: Readonly<Record<string, unknown>>,
): Promise<Record<string, string>> {
  if (flags.interactive) return {};
  const given = [field, instead].map((name) => flags[kebabCase(name)]);
  const isAsked = [args.run, args.input, given[0]].includes(STANDARD_INPUT);
  const isPiped = given.every((value) => value === undefined) && isInputPiped();
  return isAsked || isPiped ? { [field]: (await readInput()).replace(/\r?\n$/, '') } : {};
}

/** A flag for a scalar field or a list of texts; undefined for others, which belong into the file. */
export function flagOf(schema: FieldSchema): AnyFlag | undefined {
  if (schema.type === 'array' && schema.items?.type === 'string' && !schema.items.enum)
    return Flags.string({
      description: schema.description ?? '',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'TEXT',
    });
  const scalar = schema.anyOf?.find(({ type }) => type === 'string') ?? schema;
  const shown =
    schema.default === undefined || schema.default === '' ? '' : ` [default: ${String(schema.default)}]`;
  const description = `${schema.description ?? ''}${shown}`;
  if (scalar.enum) return Flags.string({ description, options: scalar.enum.map(String) });
  if (scalar.type === 'string') return Flags.string({ description });
  if (scalar.type === 'integer') return Flags.integer({ description });
  if (scalar.type === 'number')
    return Flags.custom<number>({
      description,
      helpValue: 'NUMBER',
      parse: async (text) => parseNumber(text),
    })();
  return scalar.type === 'boolean' ? Flags.boolean({ description, allowNo: true }) : undefined;
}

/** What is not a number stays text, and the stage's schema says what it wants. */
function parseNumber(text: string): number {
  const value = Number(text);
  return Number.isNaN(value) ? (text as unknown as number) : value;
}

export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Runs the command of a stage that is known only once the configuration is read. */
export async function runStageCommand(
  stage: AnyStage,
  argv: string[],
  config: Interfaces.Config,
): Promise<void> {
  const command = stageCommand(stage) as unknown as {
    run(argv: string[], config: Interfaces.Config): Promise<unknown>;
  };
  await command.run(argv, config);
}
