/**
 * Which stages there are: the built-in ones, those of installed oclif plugins, those of the configuration's
 * `plugins:` list.
 */

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CalmError, duplicateStage, invalidStage, pluginNotLoaded, unknownStage } from '../errors.ts';
import { resolvePath } from '../paths.ts';
import { type AnyStage, type Plugin, problemOf } from '../plugin/index.ts';
import { loadingEntries } from '../plugin-entries.ts';
import type { RunConfig } from './config.ts';
import { codeHash } from './plugin-code.ts';
import { reservedField } from './stage-fields.ts';

interface Registered {
  readonly stage: AnyStage;
  readonly source: string;
  /** Hash of its code; of third-party stages alone. */
  readonly code?: string | undefined;
}

export class Registry {
  readonly #stages = new Map<string, Registered>();

  /** Adds a stage. A name that is taken is an error naming both sources. */
  add(stage: AnyStage, source: string, code?: string): void {
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
    this.#stages.set(stage.name, { stage, source, code });
  }

  addPlugin(plugin: Plugin, source = plugin.name, code?: string): void {
    for (const stage of plugin.stages) this.add(stage, source, code);
  }

  get(name: string, location?: Parameters<typeof unknownStage>[2]): AnyStage {
    const found = this.#stages.get(name);
    if (!found) throw unknownStage(name, this.names, location);
    return found.stage;
  }

  /** Hash of a third-party stage's code; undefined for the built-in ones. */
  codeOf(name: string): string | undefined {
    return this.#stages.get(name)?.code;
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

/**
 * Imports the modules of a `plugins:` list, seen from a folder, and registers what they export by default.
 */
export async function addConfiguredPlugins(
  registry: Registry,
  { plugins, directory, locate }: Pick<RunConfig, 'plugins' | 'directory' | 'locate'>,
): Promise<void> {
  for (const [i, name] of plugins.entries()) {
    try {
      const file = pluginFile(name, directory);
      const code = codeHash(file);
      const { default: exported } = await loadingEntries(
        () => import(pathToFileURL(file).href) as Promise<{ default?: unknown }>,
        () => code,
      );
      registerExport(registry, exported, name, code);
    } catch (error) {
      if (error instanceof CalmError) throw error;
      throw pluginNotLoaded(name, error, locate(['plugins', i]));
    }
  }
}

function pluginFile(name: string, directory: string): string {
  const isPath = name.startsWith('.') || name.startsWith('/') || name.startsWith('~');
  if (isPath) return resolvePath(directory, name);
  return createRequire(resolve(directory, 'package.json')).resolve(name);
}

/** A plugin, one stage, or a list of stages. @param code hash of the code that they come from */
export function registerExport(registry: Registry, exported: unknown, source: string, code?: string): void {
  if (Array.isArray(exported)) for (const stage of exported) registry.add(stage as AnyStage, source, code);
  else if (exported && typeof exported === 'object' && 'stages' in exported)
    registry.addPlugin(exported as Plugin, source, code);
  else registry.add(exported as AnyStage, source, code);
}
