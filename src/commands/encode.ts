import { readFile } from 'node:fs/promises';
import { argumentMissing, textMissing } from '../errors.ts';
import { resolvePath, targetFile } from '../paths.ts';
import { fileArgs, ModelCommand, modelFlags } from './model-command.ts';
import { decoded, readInput, STANDARD_INPUT } from './typed-prompts.ts';

export default class Encode extends ModelCommand {
  static override summary = 'Turn a text into latent vectors, a safetensors file.';
  static override description =
    'The file has the tensors `mean` and `log_std`, [patches, latent], and in its metadata what `calm ' +
    'decode` needs: sizes, number of tokens, hashes of autoencoder and tokenizer. The text must be UTF-8; ' +
    'nothing of it is changed.';
  static override examples = [
    'calm encode runs/quickstart letter.txt --to letter.safetensors',
    "echo 'My fellow citizens' | calm encode runs/quickstart - --to words.safetensors",
  ];
  static override args = fileArgs('text file; - reads standard input');
  static override flags = modelFlags;

  override async run() {
    const { args, flags } = await this.parse(Encode);
    const { run, file } = this.namedIn(args, flags);
    if (flags.to === undefined) throw argumentMissing('--to FILE');
    const target = targetFile(flags.to);
    const text = file === STANDARD_INPUT ? await readInput() : await readText(file);
    const { latents, ...found } = await this.withModel(run, flags, async (model) => {
      const { writeLatents } = await import('../library/index.ts');
      const encoded = await model.encode(text);
      await writeLatents(target, encoded.latents);
      return { latents: encoded.latents, model: model.directory };
    });
    const { numTokens, numPatches, patchSize, latentSize } = latents;
    this.say(
      `${target}: ${numTokens} tokens as ${numPatches} vectors of ${latentSize} numbers, ${patchSize} tokens ` +
        'each.',
    );
    return { file: target, numTokens, numPatches, patchSize, latentSize, ...found };
  }
}

async function readText(name: string): Promise<string> {
  const file = resolvePath(process.cwd(), name);
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? textMissing(file) : error;
  });
  return decoded(bytes, file);
}
