import { flatten, formatTable } from '../../reporting/index.ts';
import { EvaluationCommand, evaluationArgs, evaluationFlags } from './evaluation-command.ts';

export default class EvalReconstruction extends EvaluationCommand {
  static override summary = "An autoencoder's accuracy on held-out documents, by token and by patch, also under noise.";
  static override examples = ['calm eval reconstruction runs/quickstart', 'calm eval reconstruction runs/quickstart --json'];
  static override args = evaluationArgs;
  static override flags = evaluationFlags;

  override async run() {
    const { args, flags } = await this.parse(EvalReconstruction);
    const found = await this.measure(
      'reconstruction',
      { config: args.config ?? flags.config, set: flags.set, engine: flags.engine },
      { numPatches: flags['num-patches'] },
    );
    this.say(formatTable(['measure', 'value'], flatten(found ?? {})));
    return found;
  }
}
