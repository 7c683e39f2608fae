import { Flags } from '@oclif/core';
import builtin from '#plugins';
import type { AnyStage, StageQuestion } from '../../plugin/index.ts';
import { EvaluationCommand, evaluationArgs, evaluationFlags } from './evaluation-command.ts';
import { flagsOf, givenFields, questionFields } from './measure-command.ts';

const stage = builtin.stages.find(({ name }) => name === 'evaluate') as AnyStage;
const question = stage.questions?.().find(({ name }) => name === 'brierlm') as StageQuestion;
const fields = questionFields(stage, question);

const ofEndpoint = (description: string) => ({
  description: `with --endpoint: ${description}`,
  dependsOn: ['endpoint'],
});

/** The measure, also of a model behind an endpoint. */
export default class EvalBrierlm extends EvaluationCommand {
  static override summary = question.summary;
  static override description =
    'A Transformer is scored with exact collisions, or with --from-samples like a CALM. With --endpoint ' +
    'any model behind an OpenAI-compatible completions API is scored on the run’s held-out text, ' +
    'tokenised by the run’s tokenizer.';
  static override examples = [
    'calm eval brierlm runs/quickstart --num-samples 8',
    'calm eval brierlm runs/quickstart --num-sequences 128 --json',
    'calm eval brierlm runs/quickstart --endpoint http://localhost:8000/v1 --model my-model ' +
      '--num-windows 500',
  ];
  static override args = evaluationArgs;
  static override flags = {
    ...flagsOf(fields),
    ...evaluationFlags,
    'from-samples': Flags.boolean({ description: 'from samples alone, also of a Transformer' }),
    endpoint: Flags.string({ description: 'base address of a completions API', helpValue: 'URL' }),
    model: Flags.string({ ...ofEndpoint('the name of the model there'), helpValue: 'NAME' }),
    'num-windows': Flags.integer(ofEndpoint('windows to score')),
    concurrency: Flags.integer(ofEndpoint('windows that are asked for at once')),
    'max-retry-after-seconds': Flags.integer(ofEndpoint('the longest wait that the server may ask for')),
  };

  override async run() {
    const { args, flags } = await this.parse(EvalBrierlm);
    const choice = this.choiceOf(args, flags);
    const given = givenFields(fields, flags);
    const found =
      flags.endpoint === undefined
        ? await this.measure(stage.name, flags['from-samples'] ? 'sampled' : question.name, choice, given)
        : await this.measure('evaluate-endpoint', 'brierlm', choice, {
            ...given,
            endpoint: flags.endpoint,
            model: flags.model,
            numWindows: flags['num-windows'],
            concurrency: flags.concurrency,
            maxRetryAfterSeconds: flags['max-retry-after-seconds'],
          });
    this.sayFound(found);
    return found;
  }
}
