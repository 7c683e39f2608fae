import { existsSync, rmSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { elementAt } from '../elements.ts';
import { isHubAddress, locate, parseHubAddress } from '../hub/index.ts';
import { resolvePath } from '../paths.ts';
import { checkConfig, makePlan, type Registry } from '../pipeline/index.ts';
import type { AnyStage, ArtifactKind } from '../plugin/index.ts';
import { detailFlags, detailOf, endOf } from './answering.ts';
import { BaseCommand } from './base-command.ts';
import { downloading } from './downloading.ts';
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
    'calm import hf:owner/calm-m --autoencoder hf:owner/calm-autoencoder --tokenizer hf:owner/llama',
    'calm import ./calm-m --autoencoder ./calm-autoencoder --tokenizer ./llama3-tokenizer --name calm-m',
  ];
  static override args = {
    path: Args.string({
      required: true,
      description: 'folder with config.json and weights, or hf:owner/name[@revision] on the Hugging Face hub',
    }),
  };
  static override flags = {
    autoencoder: Flags.string({
      description:
        'folder (or hf:…) of the autoencoder that a CALM was trained on; the one in its folder where absent',
      helpValue: 'PATH',
    }),
    tokenizer: Flags.string({
      description:
        'tokenizer.json, tokenizer.model or a folder (or hf:…) with one; the folder itself where absent',
      helpValue: 'PATH',
    }),
    ...detailFlags,
    name: Flags.string({ description: 'name of the run; the folder’s where absent' }),
  };

  override async run() {
    const { args, flags } = await this.parse(Import);
    const detail = detailOf(flags);
    const download = downloading(this.jsonEnabled(), detail);
    const path = placeOf(args.path);
    // What is imported says which stage does it, so it comes first.
    if (isHubAddress(path)) await download(path, 'model');
    const folders = { path, ...absolute({ autoencoder: flags.autoencoder }) };
    const fields = { ...folders, ...absolute({ tokenizer: flags.tokenizer }) };
    const registry = await gatherStages(this.config);
    const stage = await importerOf(registry, locate(process.cwd(), path), Object.keys(folders));
    const config = checkConfig({
      file: resolve('import.yaml'),
      directory: process.cwd(),
      outputBase: process.cwd(),
      data: { name: flags.name ?? nameOf(path), stages: { [stage.name]: fields } },
      locate: () => ({ file: path }),
    });
    const plan = await makePlan(config, registry, { download });
    const wasThere = existsSync(plan.folder.directory);
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

/** A path as a configuration takes it from any folder. */
function placeOf(path: string): string {
  return isHubAddress(path) ? path : resolvePath(process.cwd(), path);
}

/** `CALM-M` of `hf:owner/CALM-M@main`, `folder` of `path/to/folder`. */
function nameOf(path: string): string {
  return isHubAddress(path) ? basename(parseHubAddress(path).name) : basename(path);
}

/** The paths that are given, absolute. */
function absolute(paths: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(paths).flatMap(([field, path]) => (path === undefined ? [] : [[field, placeOf(path)]])),
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
