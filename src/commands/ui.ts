import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { portTaken } from '../errors.ts';
import { resolvePath } from '../paths.ts';
import { isRunFolder } from '../runs/index.ts';
import { BaseCommand, warn } from './base-command.ts';
import { shownPath } from './shown-path.ts';
import { hearSignals } from './signals.ts';
import { gatherStages } from './workspace.ts';

const HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/** Pages listen for news, of which there may be none for long. */
const QUIET = { idleMs: 0, maxConnections: 256 };

export default class Ui extends BaseCommand {
  static override summary = 'Show runs in a browser: as they train, side by side, and to play with.';
  static override description =
    'One page on this machine alone, over a folder of runs: their state and headline numbers, curves and samples ' +
    'as they come, configurations, what differs between runs, and a playground of their models. Runs are only ' +
    'shown, unless --allow-control lets them be stopped and resumed. Ctrl-C ends it.';
  static override examples = ['calm ui', 'calm ui runs/quickstart', 'calm ui runs --allow-control'];
  static override args = {
    folder: Args.string({ default: 'runs', description: 'folder of runs, or one run' }),
  };
  static override flags = {
    port: Flags.integer({
      char: 'p',
      default: 8100,
      min: 0,
      max: 65_535,
      description: '0 for any that is free',
    }),
    'allow-control': Flags.boolean({ description: 'runs may be stopped and resumed in the page' }),
  };

  override async run() {
    const { args, flags } = await this.parse(Ui);
    const given = resolvePath(process.cwd(), args.folder);
    if (!existsSync(given)) warn(`${shownPath(given)} is not there yet; runs are shown when they are.`);
    const isOne = isRunFolder(given);
    const [{ makeUi, RunsOfFolder }, { listen }, { webPageFolder }] = await Promise.all([
      import('../ui/index.ts'),
      import('../server/listen.ts'),
      import('../publish/index.ts'),
    ]);
    const registry = await gatherStages(this.config);
    const labelsOf = (uses: string) => (registry.has(uses) ? (registry.get(uses).labels?.() ?? {}) : {});
    const stop = new AbortController();
    const ui = makeUi({
      runs: new RunsOfFolder(isOne ? dirname(given) : given, labelsOf),
      page: webPageFolder(),
      hosts: HOSTS,
      executable: flags['allow-control'] ? process.argv[1] : undefined,
      stopped: stop.signal,
      onDefect: (error) => warn(`a request failed: ${error instanceof Error ? error.stack : String(error)}`),
    });
    const [hostname, { port }] = ['127.0.0.1', flags];
    const listening = await listen(ui.app, { hostname, port, ...QUIET }).catch(
      (error: NodeJS.ErrnoException) => {
        throw error.code === 'EADDRINUSE' ? portTaken(hostname, port) : error;
      },
    );
    const place = isOne ? `#/run/${encodeURIComponent(basename(given))}` : '';
    const url = `http://127.0.0.1:${listening.port}/${place}`;
    process.stderr.write(`${url}\n`);
    await new Promise<void>((resolve) => {
      hearSignals(
        () => resolve(),
        () => process.exit(1),
      );
    });
    stop.abort();
    await listening.close();
    await ui[Symbol.asyncDispose]();
    return { url };
  }
}
