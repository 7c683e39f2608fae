import { Args, Flags } from '@oclif/core';
import type { InstalledEngine } from '../../engine/installs/folder.ts';
import { INSTALLABLE, type InstallableEngine } from '../../engine/installs/registry.ts';
import { engineNamed } from '../../engine/names.ts';
import { startLiveLine } from '../../reporting/live-line.ts';
import { BaseCommand } from '../base-command.ts';

export const targetArgs = {
  target: Args.string({
    description: 'cpu: TensorFlow; gpu: TensorFlow with CUDA; onnx: ONNX Runtime',
    options: INSTALLABLE.map(({ target }) => target),
    required: true,
    ignoreStdin: true,
  }),
};

/** `cpu` → the engine `node`, `gpu` → `node-gpu`, `onnx` → `onnx`. */
export function engineOf(target: string): InstallableEngine {
  return INSTALLABLE.find((engine) => engine.target === target) as InstallableEngine;
}

export default class EngineInstall extends BaseCommand {
  static override summary = 'Install an engine: TensorFlow, or ONNX Runtime where npm dropped it.';
  static override description =
    'TensorFlow: the library out of its Python wheel, the binding compiled here; Linux, needs g++, python3 ' +
    'with pip, npm. ONNX Runtime: the npm package without its install script, which fetches GPU libraries ' +
    'that are not needed. Both go into the user’s cache folder (CALM_CACHE moves it) and are tested first.';
  static override args = targetArgs;
  static override flags = {
    force: Flags.boolean({ char: 'f', description: 'install again over what is there' }),
  };
  static override examples = [
    '<%= config.bin %> engine install cpu',
    '<%= config.bin %> engine install onnx',
  ];

  override async run() {
    const { args, flags } = await this.parse(EngineInstall);
    const { name, costs, folder, installed, install } = engineOf(args.target);
    const version = engineNamed(name).version();
    const present = installed();
    // Over a package among calm's own nothing that is installed here would be used.
    if (version && !(flags.force && present)) {
      const what = present ? describe(present) : `${engineNamed(name).packageName} ${version}`;
      this.say(`The engine "${name}" is there already: ${what}.`);
      return { engine: present, folder: present && folder(), isNew: false };
    }
    const { downloadMegabytes, diskMegabytes, minutes } = costs;
    this.say(
      `Downloads ${downloadMegabytes} MB, takes ${diskMegabytes} MB in ${folder()}, and about ` +
        `${minutes} min.`,
    );
    const engine = await this.#install(name, install);
    this.say(`Runs use it from now on (\`engine: auto\`, or --engine ${name}).`);
    return { engine, folder: folder(), isNew: true };
  }

  async #install(
    name: string,
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
  const library = tensorflowVersion === undefined ? '' : ` on TensorFlow ${tensorflowVersion}`;
  return `${packageName} ${packageVersion}${library}, ${Math.round(sizeBytes / 1e6)} MB`;
}
