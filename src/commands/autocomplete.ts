import { basename } from 'node:path';
import { Args } from '@oclif/core';
import { BaseCommand } from './base-command.ts';
import { SCRIPTS, SHELLS, type Shell, SWITCH_ON } from './completion/scripts.ts';

export default class Autocomplete extends BaseCommand {
  static override summary = 'Complete commands, flags, keys and runs with TAB: bash, zsh, fish.';
  static override description =
    'Prints what the shell needs. Without a shell it says where that belongs. `calm` itself must be on the ' +
    'PATH, as after npm install --global calm-lm.';
  static override examples = ['calm autocomplete', 'source <(calm autocomplete bash)'];
  static override args = {
    shell: Args.string({ description: 'whose script to print', options: [...SHELLS] }),
  };

  override async run() {
    const { args } = await this.parse(Autocomplete);
    const shell = args.shell as Shell | undefined;
    if (shell) {
      this.say(SCRIPTS[shell].trimEnd());
      return { shell, script: SCRIPTS[shell] };
    }
    const own = SHELLS.find((name) => name === basename(process.env.SHELL ?? ''));
    const shown = own ? [own] : SHELLS;
    for (const name of shown)
      this.say(`${name}: add this line to ${SWITCH_ON[name][1]}\n\n  ${SWITCH_ON[name][0]}\n`);
    return { shells: Object.fromEntries(shown.map((name) => [name, SWITCH_ON[name][0]])) };
  }
}
