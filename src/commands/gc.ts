import { Flags } from '@oclif/core';
import { formatBytes } from '../reporting/format.ts';
import { formatTable } from '../reporting/terminal/table.ts';
import { findGarbage, free } from '../runs/index.ts';
import { BaseCommand, readingFlags, runArgs, warn } from './base-command.ts';
import { shownPath } from './shown-path.ts';
import { openRun } from './subject.ts';

export default class Gc extends BaseCommand {
  static override summary = 'Show what a run keeps beside its results; --free removes it.';
  static override description =
    'Results of configurations that were changed, unfinished work of them, results of stages that are ' +
    'gone, leftovers of kills. What the configuration names, or another run takes as an input, stays. ' +
    'The checkpoints of finished models stay unless --checkpoints says otherwise.';
  static override examples = [
    'calm gc runs/quickstart',
    'calm gc runs/quickstart --free',
    'calm gc runs/quickstart --free --no-kept',
  ];
  static override args = runArgs;
  static override flags = {
    config: readingFlags.config,
    set: readingFlags.set,
    free: Flags.boolean({ description: 'remove it' }),
    kept: Flags.boolean({
      description: 'finished results of other configurations too',
      allowNo: true,
      default: true,
    }),
    checkpoints: Flags.boolean({ description: 'the checkpoints of finished models too' }),
  };

  override async run() {
    const { args, flags } = await this.parse(Gc);
    const run = await openRun(args.run ?? flags.config, flags.set);
    const lock = flags.free ? await run.folder.lock(warn) : undefined;
    try {
      const found = await findGarbage(run);
      const garbage = found.filter(
        ({ kind }) => (kind !== 'kept' || flags.kept) && (kind !== 'checkpoints' || flags.checkpoints),
      );
      const bytes = garbage.reduce((sum, { bytes: own }) => sum + own, 0);
      const rows = found.map(({ path, bytes: own, why, kind }) => [
        shownPath(path),
        formatBytes(own),
        kind,
        why,
      ]);
      if (flags.free) await free(garbage);
      if (rows.length > 0) this.say(`${formatTable(['path', 'size', 'what', 'why'], rows)}\n`);
      const named = shownPath(run.folder.directory);
      const offer = `${formatBytes(bytes)} can be freed: calm gc ${named} --free`;
      this.say(garbage.length === 0 ? 'nothing to free' : flags.free ? `${formatBytes(bytes)} freed` : offer);
      return { run: run.folder.directory, isFreed: flags.free, bytes, garbage, kept: found };
    } finally {
      lock?.release();
    }
  }
}
