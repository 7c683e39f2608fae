import { kindOf } from '../pipeline/index.ts';
import type { ArtifactKind, OptionalPort } from '../plugin/index.ts';
import { formatTable } from '../reporting/terminal/table.ts';
import { BaseCommand, configArgs, configFlags } from './base-command.ts';
import { stagesOf } from './workspace.ts';

export default class Stages extends BaseCommand {
  static override summary = 'List all stages: built-in, of installed plugins, of the configuration.';
  static override args = configArgs;
  static override flags = { config: configFlags.config };

  override async run() {
    const { args, flags } = await this.parse(Stages);
    const registry = await stagesOf(this.config, args.config ?? flags.config);
    const stages = registry.list().map(({ stage, source }) => ({
      name: stage.name,
      summary: stage.summary,
      inputs: Object.values(stage.inputs as Record<string, ArtifactKind | OptionalPort>).map(
        (port) => `${kindOf(port).name}${'optional' in port ? '?' : ''}`,
      ),
      outputs: Object.values(stage.outputs as Record<string, ArtifactKind>).map(({ name }) => name),
      source,
    }));
    this.say(
      formatTable(
        ['stage', 'takes', 'makes', 'from'],
        stages.map(({ name, inputs, outputs, source }) => [
          name,
          inputs.join(', '),
          outputs.join(', '),
          source,
        ]),
      ),
    );
    return { stages };
  }
}
