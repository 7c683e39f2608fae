import { Flags } from '@oclif/core';
import { EvaluationCommand, evaluationArgs, evaluationFlags } from './evaluation-command.ts';

export default class EvalReconstruction extends EvaluationCommand {
  static override summary =
    "An autoencoder's accuracy on held-out documents, by token and by patch, also under noise.";
  static override examples = [
    'calm eval reconstruction runs/quickstart',
    'calm eval reconstruction runs/quickstart --json',
  ];
  static override args = evaluationArgs;
  static override flags = {
    ...evaluationFlags,
    'num-patches': Flags.integer({ description: 'held-out patches' }),
  };

  override async run() {
    const { args, flags } = await this.parse(EvalReconstruction);
    const choice = this.choiceOf(args, flags);
    const found = await this.measure('evaluate', 'reconstruction', choice, {
      numPatches: flags['num-patches'],
    });
    this.sayFound(found);
    return found;
  }
}
