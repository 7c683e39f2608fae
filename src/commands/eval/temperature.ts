import { Flags } from '@oclif/core';
import { EvaluationCommand, evaluationArgs, evaluationFlags } from './evaluation-command.ts';

export default class EvalTemperature extends EvaluationCommand {
  static override summary =
    'Accuracy and collision rate of a trained model over temperatures and numbers of candidates (paper §7.5).';
  static override description =
    'Accuracy is how often the next tokens are the true ones, collision how often two texts agree: each the geometric mean over 1 to 4 tokens.';
  static override examples = [
    'calm eval temperature runs/quickstart --temperatures 1,0.5,0.25 --num-candidates 10,50,200',
    'calm eval temperature runs/baseline --temperatures 1,0.8,0.6',
  ];
  static override args = evaluationArgs;
  static override flags = {
    ...evaluationFlags,
    temperatures: Flags.string({ description: 'in (0, 1], separated by commas', helpValue: 'T,…' }),
    'num-candidates': Flags.string({
      description: 'N of the batch approximation, separated by commas; a CALM alone has it',
      helpValue: 'N,…',
    }),
  };

  override async run() {
    const { args, flags } = await this.parse(EvalTemperature);
    const choice = this.choiceOf(args, flags);
    const isBaseline = await this.isBaseline(choice);
    const fields = {
      numSequences: flags['num-sequences'],
      temperatures: numbers(flags.temperatures),
      ...(isBaseline ? {} : { candidateCounts: numbers(flags['num-candidates']) }),
    };
    const found = await this.measure(
      isBaseline ? 'evaluate-baseline' : 'evaluate',
      'temperature',
      choice,
      fields,
    );
    this.sayFound(found);
    return found;
  }
}

/** Numbers separated by commas; what is no number becomes NaN, which the stage's schema refuses. */
function numbers(text: string | undefined): number[] | undefined {
  return text?.split(',').map(Number);
}
