import { Args, Flags } from '@oclif/core';
import {
  engineFolder,
  type InstalledEngine,
  installedEngine,
  NATIVE,
  type NativeEngine,
} from '../../engine/native/folder.ts';
import { startLiveLine } from '../../reporting/live-line.ts';
import { BaseCommand } from '../base-command.ts';

export const targetArgs = {
  target: Args.string({ description: 'cpu, or gpu for CUDA', options: ['cpu', 'gpu'], required: true }),
};

/** `cpu` → `node`, `gpu` → `node-gpu`. */
export function engineOf(target: string): NativeEngine {
  return (Object.keys(NATIVE) as NativeEngine[]).find(
    (name) => NATIVE[name].target === target,
  ) as NativeEngine;
}

export default class EngineInstall extends BaseCommand {
  static override summary =
    'Install TensorFlow: the library out of its Python wheel, the binding compiled here. Linux; needs ' +
    'g++, python3 with pip, npm.';
  static override args = targetArgs;
  static override flags = {
    force: Flags.boolean({ char: 'f', description: 'install again over what is there' }),
  };
  static override examples = ['<%= config.bin %> engine install cpu'];

  override async run() {
    const { args, flags } = await this.parse(EngineInstall);
    const name = engineOf(args.target);
    const { COSTS, installEngine } = await import('../../engine/index.ts');
    const present = installedEngine(name);
    if (present && !flags.force) {
      this.say(`The engine "${name}" is there already: ${describe(present)}.`);
      return { engine: present, folder: engineFolder(name), isNew: false };
    }
    const { downloadMegabytes, diskMegabytes, minutes } = COSTS[name];
    this.say(
      `Downloads ${downloadMegabytes} MB, takes ${diskMegabytes} MB in ${engineFolder(name)}, and about ` +
        `${minutes} min.`,
    );
    const engine = await this.#install(name, (progress) => installEngine(name, progress));
    this.say(`Runs use it from now on (\`engine: auto\`, or --engine ${name}).`);
    return { engine, folder: engineFolder(name), isNew: true };
  }

  async #install(
    name: NativeEngine,
    install: (progress: (what: string, megabytes?: number) => void) => Promise<InstalledEngine>,
  ): Promise<InstalledEngine> {
    const spinner = startLiveLine('', process.stderr, { isSilent: this.jsonEnabled() });
    let last = '';
    try {
      const engine = await install((what, megabytes) => {
        // Without a terminal a line for each thing, not for each megabyte.
        if (!spinner.isSpinning || !process.stderr.isTTY) {
          if (what !== last && !this.jsonEnabled()) process.stderr.write(`  ${what}\n`);
        } else spinner.text = megabytes === undefined ? what : `${what}: ${Math.round(megabytes)} MB`;
        last = what;
      });
      spinner.succeed(`${name}: ${describe(engine)}; its numbers are right`);
      return engine;
    } catch (error) {
      spinner.fail(last);
      throw error;
    }
  }
}

export function describe({
  packageName,
  packageVersion,
  tensorflowVersion,
  sizeBytes,
}: InstalledEngine): string {
  return (
    `${packageName} ${packageVersion} on TensorFlow ${tensorflowVersion}, ` +
    `${Math.round(sizeBytes / 1e6)} MB`
  );
}
