import { ENGINE_NAMES, ENGINE_PACKAGES, engineVersion, HOW_TO_GET } from '../../engine/names.ts';
import { engineFolder, installedEngine, isNative } from '../../engine/native/folder.ts';
import { formatTable } from '../../reporting/terminal/table.ts';
import { BaseCommand } from '../base-command.ts';

export default class EngineList extends BaseCommand {
  static override summary =
    'List the engines in the order in which `auto` tries them, and how to get those that are missing.';

  override async run() {
    await this.parse(EngineList);
    const engines = ENGINE_NAMES.map((name) => {
      const installed = isNative(name) ? installedEngine(name) : undefined;
      return {
        name,
        package: ENGINE_PACKAGES[name],
        version: engineVersion(name),
        ...(installed
          ? {
              tensorflow: installed.tensorflowVersion,
              sizeBytes: installed.sizeBytes,
              folder: engineFolder(installed.name),
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
