import { existsSync, rmSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { elementAt } from '../elements.ts';
import { resolvePath } from '../paths.ts';
import { checkConfig, makePlan, type Registry } from '../pipeline/index.ts';
import type { AnyStage, ArtifactKind } from '../plugin/index.ts';
import { detailFlags, detailOf, endOf } from './answering.ts';
import { BaseCommand } from './base-command.ts';
import { execute } from './executing.ts';
import { commandLine, gatherStages } from './workspace.ts';

export default class Import extends BaseCommand {
  static override summary =
    'Import a model of the reference, or a Llama: a run to sample from and to evaluate.';
  static override description =
    'Weights stay as they are (safetensors, shards, pytorch_model.bin; f32, bf16, f16), by hard link ' +
    'where the file system can. Every tensor is checked against config.json first; a pickle is read as ' +
    'data and never run. The folder may be a CALM’s, an autoencoder’s or a Llama’s (LlamaForCausalLM).';
  static override examples = [
    'calm import ./calm-autoencoder',
    'calm import ./llama --name llama',
    'calm import ./calm-m --autoencoder ./calm-autoencoder --tokenizer ./llama3-tokenizer --name calm-m',
  ];
  static override args = {
    path: Args.string({ required: true, description: 'folder with config.json and weights' }),
  };
  static override flags = {
    autoencoder: Flags.string({
      description: 'folder of the autoencoder that a CALM was trained on; the one in its folder where absent',
      helpValue: 'PATH',
    }),
    tokenizer: Flags.string({
      description: 'tokenizer.json, tokenizer.model or a folder with one; the folder itself where absent',
      helpValue: 'PATH',
    }),
    ...detailFlags,
    name: Flags.string({ description: 'name of the run; the folder’s where absent' }),
  };

  override async run() {
    const { args, flags } = await this.parse(Import);
    const path = resolvePath(process.cwd(), args.path);
    const folders = { path, ...absolute({ autoencoder: flags.autoencoder }) };
    const fields = { ...folders, ...absolute({ tokenizer: flags.tokenizer }) };
    const registry = await gatherStages(this.config);
    const stage = await importerOf(registry, path, Object.keys(folders));
    const config = checkConfig({
      file: resolve('import.yaml'),
      directory: process.cwd(),
      outputBase: process.cwd(),
      data: { name: flags.name ?? basename(path), stages: { [stage.name]: fields } },
      locate: () => ({ file: path }),
    });
    const plan = await makePlan(config, registry);
    const wasThere = existsSync(plan.folder.directory);
    const detail = detailOf(flags);
    const results = await execute(plan, {
      isJson: this.jsonEnabled(),
      command: commandLine(['import', ...this.argv]),
      detail,
    }).catch((error: unknown) => {
      if (!wasThere) rmSync(plan.folder.directory, { recursive: true, force: true });
      throw error;
    });
    this.say(await endOf(plan, registry, results, detail));
    return { run: plan.folder.directory, stages: results };
  }
}

/** The paths that are given, absolute. */
function absolute(paths: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(paths).flatMap(([field, path]) =>
      path === undefined ? [] : [[field, resolvePath(process.cwd(), path)]],
    ),
  );
}

/** The stage that takes over what is given; of several the one for what the folder itself holds. */
async function importerOf(registry: Registry, path: string, fields: readonly string[]): Promise<AnyStage> {
  const fitting = registry
    .list()
    .map(({ stage }) => stage)
    .filter(({ imports = [] }) => fields.every((field) => imports.includes(field)));
  for (const stage of fitting)
    for (const kind of Object.values<ArtifactKind>(stage.outputs))
      if ((await kind.findIn?.(path)) === path) return stage;
  // There are built-in ones for all that can be given.
  return elementAt(fitting, 0);
}
