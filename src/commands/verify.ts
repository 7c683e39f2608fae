import { noResults, verifyFailed } from '../errors.ts';
import { formatTable } from '../reporting/terminal/table.ts';
import { problemsOf, type RunStage } from '../runs/index.ts';
import { BaseCommand, readingFlags, runArgs } from './base-command.ts';
import { openRun } from './subject.ts';

export default class Verify extends BaseCommand {
  static override summary = 'Compare every byte of a run’s results with what its manifests say.';
  static override description =
    'Sizes are compared at every plan and run; this also compares contents. What is broken can be made ' +
    'again: calm run RUN --only STAGE --force.';
  static override examples = ['calm verify runs/quickstart'];
  static override args = runArgs;
  static override flags = { config: readingFlags.config, set: readingFlags.set };

  override async run() {
    const { args, flags } = await this.parse(Verify);
    const run = await openRun(args.run ?? flags.config, flags.set);
    if (run.stages.every(({ manifest, problem }) => !manifest && !problem))
      throw noResults(run.folder.directory);
    const stages = [];
    for (const stage of run.stages) stages.push(await verifyStage(stage));
    const rows = stages.map(({ name, state, files, problems }) => [
      name,
      state,
      String(files),
      problems.join('; '),
    ]);
    this.say(formatTable(['stage', 'state', 'files', 'problems'], rows));
    const broken = stages.filter(({ state }) => state === 'broken');
    const named = broken.map(({ name, problems }) => `${name}: ${problems[0]}`);
    if (broken.length) throw verifyFailed(run.folder.directory, named);
    return { run: run.folder.directory, stages };
  }
}

async function verifyStage({ id: name, manifest, problem, directory }: RunStage) {
  if (problem) return { name, state: 'broken', files: 0, problems: [problem] };
  if (!manifest) return { name, state: 'has not been run', files: 0, problems: [] };
  const { files } = manifest;
  if (!files) return { name, state: 'made before files were listed', files: 0, problems: [] };
  const problems = await problemsOf(directory, files, true);
  return { name, state: problems.length ? 'broken' : 'whole', files: Object.keys(files).length, problems };
}
