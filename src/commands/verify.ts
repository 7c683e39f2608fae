import { verifyFailed } from '../errors.ts';
import { problemsOf } from '../pipeline/index.ts';
import { formatTable } from '../reporting/format.ts';
import { BaseCommand, configArgs, configFlags } from './base-command.ts';
import { planFor } from './workspace.ts';

export default class Verify extends BaseCommand {
  static override summary =
    'Read every byte of a run’s results and compare it with what their manifests say.';
  static override description =
    'Sizes are compared at every plan and run; this also compares contents. What is broken can be made again: calm run --only STAGE --force.';
  static override examples = ['calm verify runs/quickstart'];
  static override args = configArgs;
  static override flags = configFlags;

  override async run() {
    const { args, flags } = await this.parse(Verify);
    const plan = await planFor(this.config, { args, flags });
    const stages = [];
    for (const { node, manifest } of plan.stages) {
      const files = manifest?.files;
      const problems = files ? await problemsOf(plan.folder.stage(node.id), files, true) : [];
      const state = !manifest
        ? 'has not been run'
        : !files
          ? 'made before files were listed'
          : problems.length
            ? 'broken'
            : 'whole';
      stages.push({ name: node.id, state, files: Object.keys(files ?? {}).length, problems });
    }
    this.say(
      formatTable(
        ['stage', 'state', 'files', 'problems'],
        stages.map(({ name, state, files, problems }) => [name, state, String(files), problems.join('; ')]),
      ),
    );
    const broken = stages.filter(({ problems }) => problems.length > 0);
    if (broken.length)
      throw verifyFailed(
        plan.folder.directory,
        broken.map(({ name, problems }) => `${name}: ${problems[0]}`),
      );
    return { run: plan.folder.directory, stages };
  }
}
