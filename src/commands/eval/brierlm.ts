import { Flags } from '@oclif/core';
import { inputNotReady } from '../../errors.ts';
import { EvaluationCommand, evaluationArgs, evaluationFlags } from './evaluation-command.ts';

export default class EvalBrierlm extends EvaluationCommand {
  static override summary =
    'BrierLM of a trained model on held-out documents, with its four factors; higher is better.';
  static override description =
    'A run of the discrete baseline is scored with exact collisions, or with --from-samples like any other model. With --endpoint any model behind an OpenAI-compatible completions API is scored on the run’s held-out text, tokenised by the run’s tokenizer.';
  static override examples = [
    'calm eval brierlm runs/quickstart --num-samples 8',
    'calm eval brierlm runs/quickstart --num-sequences 128 --json',
    'calm eval brierlm runs/quickstart --endpoint http://localhost:8000/v1 --model my-model --num-windows 500',
  ];
  static override args = evaluationArgs;
  static override flags = {
    ...evaluationFlags,
    'num-samples': Flags.integer({
      description: 'samples a window, 2 or more; more of them give less noise',
    }),
    protocol: Flags.string({
      options: ['weighted', 'reference', 'reference-8192', 'reference-1024'],
      description: 'how batches become one score; the last two are the reference’s own blocks',
    }),
    'from-samples': Flags.boolean({ description: 'for the discrete baseline: from samples alone' }),
    endpoint: Flags.string({ description: 'base address of a completions API', helpValue: 'URL' }),
    model: Flags.string({
      description: 'with --endpoint: the name of the model there',
      helpValue: 'NAME',
      dependsOn: ['endpoint'],
    }),
    'num-windows': Flags.integer({
      description: 'with --endpoint: windows to score',
      dependsOn: ['endpoint'],
    }),
    concurrency: Flags.integer({
      description: 'with --endpoint: windows that are asked for at once',
      dependsOn: ['endpoint'],
    }),
    'max-retry-after-seconds': Flags.integer({
      description: 'with --endpoint: the longest wait that the server may ask for',
      dependsOn: ['endpoint'],
    }),
  };

  override async run() {
    const { args, flags } = await this.parse(EvalBrierlm);
    const choice = this.choiceOf(args, flags);
    const fields = {
      numSequences: flags['num-sequences'],
      protocol: flags.protocol,
      numSamples: flags['num-samples'],
    };
    const found = await this.#score(choice, fields, flags);
    if (!found) throw inputNotReady('evaluate', 'train-lm');
    this.sayFound(found);
    return found;
  }

  async #score(
    choice: Parameters<EvaluationCommand['measure']>[2],
    fields: Record<string, unknown>,
    flags: {
      endpoint?: string;
      model?: string;
      'num-windows'?: number;
      concurrency?: number;
      'max-retry-after-seconds'?: number;
      'from-samples'?: boolean;
    },
  ) {
    const { endpoint, model } = flags;
    if (endpoint !== undefined)
      return this.measure('evaluate-endpoint', 'brierlm', choice, {
        ...fields,
        endpoint,
        model,
        numWindows: flags['num-windows'],
        concurrency: flags.concurrency,
        maxRetryAfterSeconds: flags['max-retry-after-seconds'],
      });
    if (!(await this.isBaseline(choice))) return this.measure('evaluate', 'brierlm', choice, fields);
    return this.measure('evaluate-baseline', flags['from-samples'] ? 'sampled' : 'brierlm', choice, fields);
  }
}
