import { existsSync, rmSync } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { resolvePath } from '../paths.ts';
import { checkConfig, makePlan } from '../pipeline/index.ts';
import { formatRun } from '../reporting/index.ts';
import { BaseCommand } from './base-command.ts';
import { execute } from './executing.ts';
import { commandLine, gatherStages } from './workspace.ts';

export default class Import extends BaseCommand {
  static override summary = 'Take over a model of the reference: a run that can be sampled from and judged.';
  static override description =
    'Weights stay as they are (safetensors, shards, pytorch_model.bin; f32, bf16, f16), by hard link ' +
    'where the file system can. Every tensor is checked against config.json first; a pickle is read as ' +
    'data and never run. Without --autoencoder the folder is an autoencoder’s.';
  static override examples = [
    'calm import ./calm-autoencoder',
    'calm import ./calm-m --autoencoder ./calm-autoencoder --tokenizer ./llama3-tokenizer --name calm-m',
  ];
  static override args = {
    path: Args.string({ required: true, description: 'folder with config.json and weights' }),
  };
  static override flags = {
    autoencoder: Flags.string({
      description: 'folder of the autoencoder that the model was trained on',
      helpValue: 'PATH',
    }),
    tokenizer: Flags.string({
      description: 'tokenizer.json, tokenizer.model or a folder with one; the folder itself where absent',
      helpValue: 'PATH',
    }),
    name: Flags.string({ description: 'name of the run; the folder’s where absent' }),
  };

  override async run() {
    const { args, flags } = await this.parse(Import);
    const given = {
      path: resolvePath(process.cwd(), args.path),
      ...(flags.tokenizer ? { tokenizer: resolvePath(process.cwd(), flags.tokenizer) } : {}),
    };
    const stages = flags.autoencoder
      ? { 'import-lm': { ...given, autoencoder: resolvePath(process.cwd(), flags.autoencoder) } }
      : { 'import-autoencoder': given };
    const file = resolve('import.yaml');
    const data = { name: flags.name ?? basename(given.path), stages };
    const config = checkConfig({
      file,
      directory: process.cwd(),
      outputBase: process.cwd(),
      data,
      locate: () => ({ file: given.path }),
    });
    const plan = await makePlan(config, await gatherStages(this.config));
    const wasThere = existsSync(plan.folder.directory);
    const results = await execute(plan, {
      isJson: this.jsonEnabled(),
      command: commandLine(['import', ...this.argv]),
    }).catch((error: unknown) => {
      if (!wasThere) rmSync(plan.folder.directory, { recursive: true, force: true });
      throw error;
    });
    const run = relative(process.cwd(), plan.folder.directory);
    const next = flags.autoencoder
      ? `Sample from it: calm sample ${run} --prompt '…'`
      : `Its autoencoder is in ${run}/import-autoencoder/autoencoder`;
    this.say(`\n${formatRun(results)}\n\n${next}`);
    return { run: plan.folder.directory, stages: results };
  }
}
