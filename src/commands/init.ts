import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { Args, Flags } from '@oclif/core';
import { CalmError } from '../errors.ts';
import { targetFile } from '../paths.ts';
import { BaseCommand } from './base-command.ts';

export default class Init extends BaseCommand {
  static override summary = 'Write a commented calm.yaml to start from.';
  static override examples = ['calm init', "calm init --corpus 'texts/**/*.txt'"];
  static override args = { file: Args.string({ default: 'calm.yaml', description: 'where to' }) };
  static override flags = {
    corpus: Flags.string({ default: 'data/**/*.txt', description: 'path or glob of your texts' }),
    force: Flags.boolean({ char: 'f', description: 'replace a file that is there' }),
  };

  override async run() {
    const { args, flags } = await this.parse(Init);
    const file = targetFile(args.file);
    if (existsSync(file) && !flags.force)
      throw new CalmError('CALM_FILE_EXISTS', `${file} is there already.`, {
        hint: 'Choose another name, or replace it with --force.',
      });
    const template = await readFile(new URL(import.meta.resolve('calm-lm/configs/starter.yaml')), 'utf8');
    await writeFile(
      file,
      template.replace(/^(\s*corpus:).*$/m, (_, key: string) => `${key} ${JSON.stringify(flags.corpus)}`),
    );
    this.say(`${file} is written. See what it does with \`calm plan\`, then \`calm run\`.`);
    return { file };
  }
}
