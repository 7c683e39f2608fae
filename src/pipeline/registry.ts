/** Which stages there are: the built-in ones, those of installed oclif plugins, those of the configuration's `plugins:` list. */

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { duplicateStage, invalidStage, pluginNotLoaded, unknownStage } from '../errors.ts';
import { type AnyStage, type Plugin, problemOf } from '../plugin/index.ts';
import type { RunConfig } from './config.ts';
import { reservedField } from './stage-fields.ts';

interface Registered {
  readonly stage: AnyStage;
  readonly source: string;
}

export class Registry {
  readonly #stages = new Map<string, Registered>();

  /** Adds a stage. A name that is taken is an error naming both sources. */
  add(stage: AnyStage, source: string): void {
    const problem = problemOf(stage);
    if (problem) throw invalidStage(`A stage of ${source}`, problem);
    const reserved = reservedField(stage);
    if (reserved)
      throw invalidStage(
        `Stage "${stage.name}" of ${source}`,
        `its field "${reserved}" is a key of the pipeline`,
      );
    const taken = this.#stages.get(stage.name);
    if (taken) throw duplicateStage(stage.name, taken.source, source);
    this.#stages.set(stage.name, { stage, source });
  }

  addPlugin(plugin: Plugin, source = plugin.name): void {
    for (const stage of plugin.stages) this.add(stage, source);
  }

  get(name: string, location?: Parameters<typeof unknownStage>[2]): AnyStage {
    const found = this.#stages.get(name);
    if (!found) throw unknownStage(name, this.names, location);
    return found.stage;
  }

  has(name: string): boolean {
    return this.#stages.has(name);
  }

  get names(): string[] {
    return [...this.#stages.keys()];
  }

  /** Every stage with where it came from. */
  list(): readonly Registered[] {
    return [...this.#stages.values()];
  }

  /** The names of stages that make a kind of artifact. */
  makersOf(kind: string): string[] {
    return this.list()
      .filter(({ stage }) =>
        Object.values(stage.outputs).some((output) => (output as { name: string }).name === kind),
      )
      .map(({ stage }) => stage.name);
  }
}

/** Imports the modules of a `plugins:` list, seen from the configuration's folder, and registers what they export by default. */
export async function addConfiguredPlugins(
  registry: Registry,
  config: Pick<RunConfig, 'plugins' | 'directory' | 'locate'>,
): Promise<void> {
  for (const [i, name] of config.plugins.entries()) {
    const exported = await importPlugin(name, config.directory).catch((error: unknown) => {
      throw pluginNotLoaded(name, error, config.locate(['plugins', i]));
    });
    registerExport(registry, exported, name);
  }
}

async function importPlugin(name: string, directory: string): Promise<unknown> {
  const require = createRequire(resolve(directory, 'package.json'));
  const file =
    name.startsWith('.') || name.startsWith('/') ? resolve(directory, name) : require.resolve(name);
  const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  return module.default;
}

/** A plugin, one stage, or a list of stages. */
export function registerExport(registry: Registry, exported: unknown, source: string): void {
  if (Array.isArray(exported)) for (const stage of exported) registry.add(stage as AnyStage, source);
  else if (exported && typeof exported === 'object' && 'stages' in exported)
    registry.addPlugin(exported as Plugin, source);
  else registry.add(exported as AnyStage, source);
}
