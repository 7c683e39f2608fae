/**
 * Help: commands in groups, the keys of a stage with types and defaults, and also the stages and measures that
 * only a configuration knows. Loads as little as it can: oclif's own wrapping, and the stages only for those.
 */

import { stripVTControlCharacters } from 'node:util';

import { type Command, CommandHelp, Flags, Help, ux } from '@oclif/core';
import { KEYS, type StageFacts } from './stage-keys.ts';

/** The order in which a newcomer needs them. What is named nowhere stands in the last group. */
const START = 'START';
const GROUPS: readonly (readonly [title: string, names: readonly string[]])[] = [
  [START, ['init', 'run', 'eval', 'report', 'ui', 'serve']],
  ['RUNS', ['ls', 'status', 'plan', 'compare', 'cost', 'verify', 'import', 'gc', 'rm']],
];
const STAGES = 'STAGES (their keys: calm help STAGE)';
const OTHERS = 'MORE';

/** A command as the groups need it. */
interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly stage?: StageFacts | undefined;
}

class CalmCommandHelp extends CommandHelp {
  protected override sections() {
    return super.sections().flatMap((section) => {
      if (section.header !== 'FLAGS') return [section];
      const { generate } = section;
      const general: typeof section = {
        header: section.header,
        generate: ({ flags, ...rest }, header) =>
          generate({ ...rest, flags: flags.filter(({ helpGroup }) => helpGroup !== KEYS) }, header),
      };
      const keys: typeof section = { header: KEYS, generate: ({ flags, cmd }) => this.#keys(flags, cmd) };
      return [keys, general];
    });
  }

  /** In the order of the schema: those that are flags, then lists and maps. */
  #keys(flags: Command.Flag.Any[], command: Command.Loadable) {
    const names = Object.keys(command.flags);
    const order = (flag: Command.Flag.Any) => names.indexOf(flag.name);
    const keys = flags.filter(({ helpGroup }) => helpGroup === KEYS).sort((a, b) => order(a) - order(b));
    const others = ((command as { stage?: StageFacts }).stage?.keys ?? []).map(
      ({ path, type, description }): [string, string] => [`--set=${path}=${type}`, description],
    );
    const rows = [...(this.flags(keys) ?? []), ...others];
    return rows.length > 0 ? [{ header: KEYS, body: rows }] : [];
  }

  protected override flags(flags: Command.Flag.Any[]) {
    // An empty list is no default that is worth a word.
    const shown = flags.map((flag) => (isEmptyList(flag) ? { ...flag, default: undefined } : flag));
    return super.flags(shown as Command.Flag.Any[]);
  }

  protected override examples(examples: Command.Example[] | string | undefined): string | undefined {
    const texts = [examples ?? []].flat();
    if (texts.some((text) => typeof text !== 'string')) return super.examples(examples);
    // Broken so that it can be pasted: indented by the section, and after the first line below the command.
    const broken = texts.map((text) => this.wrap(String(text), 6).replaceAll('\n', ' \\\n  '));
    return broken.map((text) => `$ ${text}`).join('\n\n') || undefined;
  }
}

export default class CalmHelp extends Help {
  protected override CommandHelpClass = CalmCommandHelp;
  readonly #columns: number;

  constructor(...[config, options]: ConstructorParameters<typeof Help>) {
    super(config, options);
    this.#columns = this.opts.maxWidth;
    // Lists on several lines come out two columns wider than oclif reckons.
    this.opts.maxWidth -= 2;
    this.opts.hideCommandSummaryInDescription = true;
  }

  /** Also of what oclif does not list. */
  override async showHelp(argv: string[]): Promise<void> {
    const words = argv.filter((word) => word !== 'help' && !word.startsWith('-'));
    if (words.length > 0 && !this.#isListed(words)) {
      const { findUnlisted } = await import('./unlisted.ts');
      const { command } = await findUnlisted(words, this.config);
      await this.showCommandHelp(loadable(command));
    } else await super.showHelp(argv);
  }

  #isListed(words: readonly string[]): boolean {
    const ids = words.map((_, i) => words.slice(0, i + 1).join(':'));
    const isCommand = ids.some((id) => this.config.findCommand(id));
    // `calm eval nothing` is no help on `calm eval`.
    return isCommand || this.config.findTopic(ids.at(-1) as string) !== undefined;
  }

  protected override async showRootHelp(): Promise<void> {
    const { bin, pjson, userAgent } = this.config;
    this.log(`${pjson.description}\n`);
    this.log(`${this.section('USAGE', `$ ${bin} COMMAND`)}\n`);
    for (const [title, entries] of this.#groups()) {
      const rows = entries.map(({ name, summary }): [string, string] => [name, this.render(summary)]);
      const body = this.renderList(rows, { indentation: 2, spacer: '\n' });
      this.log(`${this.section(title, body)}\n`);
    }
    this.log(`${bin} help COMMAND says more of each. ${userAgent}`);
  }

  #groups(): [string, Entry[]][] {
    const topics = this.sortedTopics.filter(({ name }) => !name.includes(':'));
    const commands = this.sortedCommands.filter(({ id }) => !id.includes(':'));
    const entries: Entry[] = [
      ...topics.map(({ name, description = '' }) => ({ name, summary: description })),
      ...commands.map((command) => ({
        name: command.id,
        summary: (command.summary ?? command.description ?? 'Print the version.').replace(/\n.*/s, ''),
        stage: (command as { stage?: StageFacts }).stage,
      })),
    ];
    const named = new Set(GROUPS.flatMap(([, names]) => names));
    const stages = entries.filter(({ stage }) => stage);
    const order = ({ stage }: Entry) => stage?.order ?? stages.length;
    stages.sort((a, b) => order(a) - order(b));
    return [
      ...GROUPS.map(([title, names]): [string, Entry[]] => [
        title,
        [
          ...names.flatMap((name) => entries.find((entry) => entry.name === name) ?? []),
          ...(title === START ? stages.filter(({ stage }) => stage?.isAsked) : []),
        ],
      ]),
      [STAGES, stages.filter(({ stage }) => !stage?.isAsked)],
      [OTHERS, entries.filter(({ name, stage }) => !stage && !named.has(name))],
    ];
  }

  /** Lines that oclif leaves too wide are broken. */
  protected override log(...texts: string[]): void {
    const lines = texts.join(' ').split('\n');
    ux.stdout(lines.map((line) => this.#fitted(line)).join('\n'));
  }

  #fitted(line: string): string {
    if (stripVTControlCharacters(line).length <= this.#columns) return line;
    const indent = /^ */.exec(line)?.[0].length ?? 0;
    return this.indent(this.wrap(line.trim(), indent), indent);
  }
}

function isEmptyList(flag: Command.Flag.Any): boolean {
  return flag.type === 'option' && Array.isArray(flag.default) && flag.default.length === 0;
}

/** A class as the list of commands would have it. */
function loadable(command: Command.Class): Command.Loadable {
  const json = Flags.boolean({ description: 'Format output as json.', helpGroup: 'GLOBAL' });
  const { id, summary, description, usage, examples } = command;
  const args = Object.fromEntries(
    Object.entries(command.args ?? {}).map(([name, arg]) => [name, { ...arg, name }]),
  );
  const { stage } = command as { stage?: StageFacts };
  const flags = { ...command.flags, ...(command.enableJsonFlag ? { json } : {}) };
  const told = { id, summary, description, usage, examples, args, flags, ...(stage ? { stage } : {}) };
  return { aliases: [], hiddenAliases: [], hidden: false, ...told } as unknown as Command.Loadable;
}
