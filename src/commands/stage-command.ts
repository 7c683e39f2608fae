/** A command for every stage, made from its schema: `calm train-lm --steps 500`. */

import { Args, type Command, Flags, type Interfaces } from '@oclif/core';
import { type FieldSchema, fieldsOf, makePlan } from '../pipeline/index.ts';
import type { AnyStage } from '../plugin/index.ts';
import { detailFlags, detailOf, endOf } from './answering.ts';
import { BaseCommand, configArgs, configFlags, readingFlags, runArgs } from './base-command.ts';
import { downloading } from './downloading.ts';
import { ask, execute } from './executing.ts';
import { KEYS, type StageFacts, type StageKey } from './stage-keys.ts';
import { openSubject, type SubjectChoice } from './subject.ts';
import { isInputPiped, readInput, STANDARD_INPUT, typedPrompts } from './typed-prompts.ts';
import { commandLine, openWorkspace } from './workspace.ts';

type AnyFlag = Interfaces.FlagInput[string];

interface StageField {
  readonly field: string;
  readonly name: string;
  readonly flag: AnyFlag;
}

/** What the command of an interactive stage does besides asking it, where its flags say so. */
export interface OtherWork {
  readonly flags: Interfaces.FlagInput;
  readonly examples: readonly string[];
  /** @returns what it made; undefined where the stage is to be asked */
  run(
    choice: SubjectChoice & Readonly<Record<string, unknown>>,
    say: (text: string) => void,
  ): Promise<object | undefined>;
}

/**
 * Makes the command of a stage. One flag for each scalar field; an interactive stage leaves the run folder
 * alone.
 * @param order its place among the built-in ones; -1 for another
 */
export function stageCommand(stage: AnyStage, order = -1, others: readonly OtherWork[] = []): Command.Class {
  const fields: StageField[] = [];
  const keys: StageKey[] = [];
  for (const [field, schema] of Object.entries(fieldsOf(stage))) {
    const flag = flagOf(schema);
    if (flag) fields.push({ field, name: kebabCase(field), flag: { ...flag, helpGroup: KEYS } as AnyFlag });
    else keys.push(keyOf(`${stage.name}.${field}`, schema));
  }
  const command = stage.isInteractive ? askingCommand(stage, fields, others) : runningCommand(stage, fields);
  const facts: StageFacts = { keys, isAsked: stage.isInteractive === true, ...(order < 0 ? {} : { order }) };
  return Object.assign(command, { id: stage.name, stage: facts });
}

function keyOf(path: string, schema: FieldSchema): StageKey {
  const isList = [schema, ...(schema.anyOf ?? [])].some(({ type }) => type === 'array');
  return { path, type: isList ? '[…]' : '{…}', description: describe(schema) };
}

/** [default: 200] Steps between checkpoints. */
function describe({ default: value, description = '' }: FieldSchema): string {
  const shown = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return value === undefined || value === '' ? description : `[default: ${shown}] ${description}`;
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
    static override usage = `${stage.name} [CONFIG] [FLAGS] [KEYS]`;
    static override description =
      'Runs this one stage of a configuration, with its keys changed by flags. The other stages are ' +
      `taken as they are. In the configuration the keys stand below \`${stage.name}:\`, and --set ` +
      `${stage.name}.KEY=VALUE sets one in any command.`;
    static override args = configArgs;
    static override flags: Interfaces.FlagInput = {
      ...configFlags,
      ...detailFlags,
      force: Flags.boolean({ char: 'f', description: 'run even if it is up to date' }),
      ...flagsOf(fields),
    };

    override async run() {
      const { args, flags } = await this.parse(StageCommand);
      const choice = { ...(flags as SubjectChoice), config: args.config ?? flags.config };
      const change = { stage: stage.name, fields: givenFields(fields, flags) };
      const { config, registry, stageId = stage.name } = await openWorkspace(this.config, choice, change);
      const detail = detailOf(flags);
      const plan = await makePlan(config, registry, {
        only: [stageId],
        force: flags.force as boolean,
        download: downloading(this.jsonEnabled(), detail),
      });
      const command = commandLine([stage.name, ...this.argv]);
      const stages = await execute(plan, { isJson: this.jsonEnabled(), command, detail });
      this.say(await endOf(plan, registry, stages, detail));
      return { run: plan.folder.directory, stages };
    }
  };
}

function askingCommand(
  stage: AnyStage,
  fields: readonly StageField[],
  others: readonly OtherWork[],
): Command.Class {
  const prompting = stage.prompt ? PROMPT_FLAGS : {};
  return class StageCommand extends BaseCommand {
    static override summary = stage.summary;
    static override usage = `${stage.name} [RUN] [FLAGS] [KEYS]`;
    static override description =
      `Reads a run or a model folder, and leaves it as it is.${stage.prompt ? ` ${ABOUT_PROMPTS}` : ''}`;
    static override examples = [
      ...(stage.example ? [`calm ${stage.name} runs/quickstart ${stage.example}`] : []),
      ...others.flatMap(({ examples }) => examples),
    ];
    static override args: Interfaces.ArgInput = stage.prompt ? { ...runArgs, ...PROMPT_ARGS } : runArgs;
    static override flags: Interfaces.FlagInput = {
      ...readingFlags,
      ...flagsOf(fields),
      ...prompting,
      ...Object.assign({}, ...others.map((other) => other.flags)),
    };

    override async run() {
      const { args, flags } = await this.parse(StageCommand);
      const given = givenFields(fields, flags);
      const prompt = stage.prompt ? await promptOf(stage.prompt, args, flags) : {};
      const named = [args.run, flags.config].find((name) => name !== undefined && name !== STANDARD_INPUT);
      const choice = { ...(flags as SubjectChoice), config: named as string | undefined };
      for (const other of others) {
        const made = await other.run(choice, (text) => this.say(text));
        if (made) return made;
      }
      const subject = await openSubject(this.config, choice, stage.name, { ...given, ...prompt });
      const question = { ...subject.question, ...(flags.interactive ? { prompts: typedPrompts } : {}) };
      const command = commandLine([stage.name, ...this.argv]);
      const choices = { ...subject, isJson: this.jsonEnabled(), command, detail: 'normal' as const };
      return (await ask(question, choices)).metrics;
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
  const description = describe(schema);
  const options = scalar.enum?.map(String);
  if (options) return Flags.string({ description, options, helpValue: options.join('|') });
  if (scalar.type === 'string') return Flags.string({ description, helpValue: 'TEXT' });
  if (scalar.type === 'integer') return Flags.integer({ description, helpValue: 'INTEGER' });
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
