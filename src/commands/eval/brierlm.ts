import { Flags } from '@oclif/core';
import { inputNotReady } from '../../errors.ts';
import { flatten, formatTable } from '../../reporting/index.ts';
import { EvaluationCommand, evaluationArgs, evaluationFlags } from './evaluation-command.ts';

export default class EvalBrierlm extends EvaluationCommand {
  static override summary = 'BrierLM of a trained model on held-out documents, with its four factors; higher is better.';
  static override examples = ['calm eval brierlm runs/quickstart', 'calm eval brierlm runs/quickstart --num-sequences 128 --json'];
  static override args = evaluationArgs;
  static override flags = { ...evaluationFlags, protocol: Flags.string({ options: ['weighted', 'reference'], description: 'how batches become one score' }) };

  override async run() {
    const { args, flags } = await this.parse(EvalBrierlm);
    const fields = { numSequences: flags['num-sequences'], protocol: flags.protocol };
    const found = await this.measure('brierlm', { config: args.config ?? flags.config, set: flags.set, engine: flags.engine }, fields);
    if (!found) throw inputNotReady('evaluate', 'train-lm');
    this.say(formatTable(['measure', 'value'], flatten(found)));
    return found;
  }
}
