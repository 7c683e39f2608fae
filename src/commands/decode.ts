import { writeFile } from 'node:fs/promises';
import { resolvePath, targetFile } from '../paths.ts';
import { fileArgs, ModelCommand, modelFlags } from './model-command.ts';

export default class Decode extends ModelCommand {
  static override summary = 'Turn latent vectors that `calm encode` wrote back into text.';
  static override description =
    'The text goes to standard output, or into a file, as it is and without a line break at its end. ' +
    'Latents of another autoencoder or tokenizer are refused.';
  static override examples = [
    'calm decode runs/quickstart letter.safetensors',
    'calm decode runs/quickstart letter.safetensors --to letter.txt',
  ];
  static override args = fileArgs('safetensors file of latents');
  static override flags = modelFlags;

  override async run() {
    const { args, flags } = await this.parse(Decode);
    const { run, file } = this.namedIn(args, flags);
    const { readLatents } = await import('../library/index.ts');
    const latents = await readLatents(resolvePath(process.cwd(), file));
    const text = await this.withModel(run, flags, (model) => model.decode(latents));
    const target = flags.to === undefined ? undefined : targetFile(flags.to);
    if (target !== undefined) await writeFile(target, text);
    else if (!this.jsonEnabled()) process.stdout.write(text);
    return target === undefined ? { text } : { file: target };
  }
}
