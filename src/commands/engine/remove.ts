import { removeEngine } from '../../engine/installs/staging.ts';
import { BaseCommand } from '../base-command.ts';
import { engineOf, targetArgs } from './install.ts';

export default class EngineRemove extends BaseCommand {
  static override summary =
    'Remove an engine that `calm engine install` installed, and what an unfinished install left.';
  static override args = targetArgs;

  override async run() {
    const { args } = await this.parse(EngineRemove);
    const { name } = engineOf(args.target);
    const removed = await removeEngine(name);
    this.say(removed.length ? `Removed ${removed.join(', ')}.` : `There is no engine "${name}" to remove.`);
    return { engine: name, removed };
  }
}
