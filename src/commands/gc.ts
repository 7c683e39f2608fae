import { relative } from 'node:path';
import { Flags } from '@oclif/core';
import { findGarbage, free } from '../pipeline/index.ts';
import { formatBytes, formatTable } from '../reporting/format.ts';
import { BaseCommand, configArgs, configFlags } from './base-command.ts';
import { planFor } from './workspace.ts';

export default class Gc extends BaseCommand {
  static override summary = 'Show what lies in a run folder and nothing needs; --free removes it.';
  static override description =
    'Checkpoints of configurations that were changed, results of stages that are gone, leftovers of kills. What the configuration names, or another run takes as an input, stays.';
  static override examples = ['calm gc runs/quickstart', 'calm gc runs/quickstart --free'];
  static override args = configArgs;
  static override flags = { ...configFlags, free: Flags.boolean({ description: 'remove it' }) };

  override async run() {
    const { args, flags } = await this.parse(Gc);
    const plan = await planFor(this.config, { args, flags });
    const unlock = flags.free ? await plan.folder.lock() : () => {};
    try {
      const garbage = await findGarbage(plan);
      const bytes = garbage.reduce((sum, { bytes: own }) => sum + own, 0);
      if (flags.free) await free(garbage);
      const rows = garbage.map(({ path, bytes: own, why }) => [
        relative(process.cwd(), path),
        formatBytes(own),
        why,
      ]);
      if (rows.length > 0) this.say(`${formatTable(['path', 'size', 'why'], rows)}\n`);
      this.say(
        rows.length === 0
          ? 'nothing to free'
          : flags.free
            ? `${formatBytes(bytes)} freed`
            : `${formatBytes(bytes)} can be freed: calm gc … --free`,
      );
      return { run: plan.folder.directory, isFreed: flags.free, bytes, garbage };
    } finally {
      unlock();
    }
  }
}
