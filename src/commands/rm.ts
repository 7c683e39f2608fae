import { lstatSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Args, Flags } from '@oclif/core';
import { notARun, notConfirmed, runMissing } from '../errors.ts';
import { resolvePath } from '../paths.ts';
import { formatBytes } from '../reporting/format.ts';
import { describeRun, Run } from '../runs/index.ts';
import { BaseCommand, warn } from './base-command.ts';
import { shownPath } from './shown-path.ts';

export default class Rm extends BaseCommand {
  static override summary = 'Remove a run, with everything in it. Asks first.';
  static override examples = ['calm rm runs/old', 'calm rm runs/old --yes'];
  static override args = { run: Args.string({ required: true, description: 'run folder' }) };
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'without asking' }) };

  override async run() {
    const { args, flags } = await this.parse(Rm);
    const named = resolvePath(process.cwd(), args.run);
    if (!lstatSync(named, { throwIfNoEntry: false })) throw runMissing(named);
    const { folder, record, stages } = await Run.open(named);
    // Where nothing that can be read says so, a folder is none that calm may remove.
    if (!record && stages.every(({ manifest }) => !manifest)) throw notARun(named);
    const { bytes, numDone } = await describeRun(folder.directory);
    const what = `${shownPath(folder.directory)}: ${numDone} finished ` + `stages, ${formatBytes(bytes)}`;
    if (!flags.yes && !(await this.#confirm(what))) throw notConfirmed(folder.directory);
    const lock = await folder.lock(warn);
    try {
      await rm(folder.directory, { recursive: true, force: true });
      // Where a link was named, it would lead nowhere.
      if (lstatSync(named, { throwIfNoEntry: false })?.isSymbolicLink()) await rm(named);
    } finally {
      lock.release();
    }
    this.say(`removed ${what}`);
    return { run: folder.directory, bytes };
  }

  async #confirm(what: string): Promise<boolean> {
    if (!process.stdin.isTTY || this.jsonEnabled()) return false;
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await terminal.question(`Remove ${what}? [y/N] `)).trim());
    } finally {
      terminal.close();
    }
  }
}
