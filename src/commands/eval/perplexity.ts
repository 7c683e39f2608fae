import { EvaluationCommand, evaluationArgs, evaluationFlags } from './evaluation-command.ts';

export default class EvalPerplexity extends EvaluationCommand {
  static override summary =
    'Perplexity of the discrete baseline on held-out documents, with cross-entropy and bits a byte. A CALM has none: it gives no likelihoods.';
  static override examples = [
    'calm eval perplexity runs/baseline',
    'calm eval perplexity runs/baseline --num-sequences 128 --json',
  ];
  static override args = evaluationArgs;
  static override flags = evaluationFlags;

  override async run() {
    const { args, flags } = await this.parse(EvalPerplexity);
    const choice = this.choiceOf(args, flags);
    const found = await this.measure('evaluate-baseline', 'perplexity', choice, {
      numSequences: flags['num-sequences'],
    });
    this.sayFound(found);
    return found;
  }
}
