import { INSTALLABLE } from '../../engine/installs/registry.ts';
import { ENGINE_NAMES, ENGINE_PACKAGES, engineVersion, HOW_TO_GET } from '../../engine/names.ts';
import { formatTable } from '../../reporting/terminal/table.ts';
import { BaseCommand } from '../base-command.ts';

export default class EngineList extends BaseCommand {
  static override summary =
    'List the engines in the order in which `auto` tries them, and how to get those that are missing.';

  override async run() {
    await this.parse(EngineList);
    const engines = ENGINE_NAMES.map((name) => {
      const engine = INSTALLABLE.find((candidate) => candidate.name === name);
      const installed = engine?.installed();
      return {
        name,
        package: ENGINE_PACKAGES[name],
        version: engineVersion(name),
        ...(engine && installed
          ? {
              tensorflow: installed.tensorflowVersion,
              sizeBytes: installed.sizeBytes,
              folder: engine.folder(),
            }
          : {}),
      };
    });
    this.say(
      formatTable(
        ['engine', 'package', 'version', 'where, or how to get it'],
        engines.map((engine) => [
          engine.name,
          engine.package,
          engine.version ?? '–',
          engine.version ? (engine.folder ?? 'node_modules') : HOW_TO_GET[engine.name],
        ]),
      ),
    );
    return { engines };
  }
}
