/** A command for every stage, made from its schema: `calm train-lm --steps 500`. */

import { type Command, Flags, type Interfaces } from '@oclif/core';
import { type FieldSchema, fieldsOf } from '../pipeline/index.ts';
import type { AnyStage } from '../plugin/index.ts';
import { formatRun } from '../reporting/index.ts';
import { BaseCommand, configArgs, configFlags, variantFlag } from './base-command.ts';
import { commandLine, execute, executeAside, openWorkspace, planOf } from './workspace.ts';

type AnyFlag = Interfaces.FlagInput[string];

/** Makes the command of a stage. One flag for each scalar field; an interactive stage leaves the run folder alone. */
export function stageCommand(stage: AnyStage): Command.Class {
  const fields = Object.entries(fieldsOf(stage)).flatMap(([field, schema]) => {
    const flag = flagOf(schema);
    return flag ? [{ field, name: kebabCase(field), flag }] : [];
  });
  const runFlags: Interfaces.FlagInput = stage.isInteractive
    ? variantFlag
    : { force: Flags.boolean({ char: 'f', description: 'run even if it is fresh' }) };

  return class StageCommand extends BaseCommand {
    static override summary = stage.summary;
    static override description = stage.isInteractive
      ? 'Uses the results of a run and leaves its folder alone.'
      : 'Runs this one stage of a configuration, with its fields changed by flags. The other stages are taken as they are.';
    static override args = configArgs;
    static override flags: Interfaces.FlagInput = {
      ...configFlags,
      ...runFlags,
      ...Object.fromEntries(fields.map(({ name, flag }) => [name, flag])),
    };

    override async run() {
      const { args, flags } = await this.parse(StageCommand);
      const given = flags as Record<string, unknown>;
      const shared = {
        set: given.set as string[],
        engine: given.engine as string | undefined,
        config: (args.config ?? given.config) as string | undefined,
      };
      const changed = Object.fromEntries(
        fields.flatMap(({ field, name }) => (given[name] === undefined ? [] : [[field, given[name]]])),
      );
      const change = { stage: stage.name, fields: changed, canAdd: true };
      const workspace = await openWorkspace(this.config, shared, change);
      const choice = { isJson: this.jsonEnabled(), command: commandLine([stage.name, ...this.argv]) };
      if (stage.isInteractive)
        return (await executeAside(workspace, choice, given.variant as string | undefined)).metrics;
      const plan = await planOf(workspace, {
        only: [workspace.stageId as string],
        force: given.force as boolean | undefined,
      });
      const stages = await execute(plan, choice);
      this.say(`\n${formatRun(stages)}`);
      return { run: plan.folder.directory, stages };
    }
  };
}

/** A flag for a scalar field; undefined for lists and records, which belong into the file. */
function flagOf(schema: FieldSchema & { anyOf?: FieldSchema[] }): AnyFlag | undefined {
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

function kebabCase(name: string): string {
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
