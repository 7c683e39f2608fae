/**
 * What an engine is to the rest of the package. Light: an entry loads no tensor library before `load` is
 * called.
 */

import { createRequire } from 'node:module';
import type { GraphRuntime } from './trace/compiler.ts';

export interface EngineEntry<Name extends string = string> {
  readonly name: Name;
  /** The npm package behind it. */
  readonly packageName: string;
  /** The command that gets it where it is missing. */
  readonly howToGet: string;
  /**
   * The version of the package; undefined where it is not installed. Installed does not mean working: its
   * native library may be missing.
   */
  readonly version: () => string | undefined;
  /** Whether it should be here, so that `auto` says where it is missing. */
  readonly isExpected?: () => boolean;
  /** Versions of what else computes, by name, for manifests. */
  readonly otherVersions?: () => Readonly<Record<string, string>>;
  /** Throws where the engine does not work here. */
  readonly load: () => Promise<LoadedEngine>;
}

export interface LoadedEngine {
  /** The backend of TensorFlow.js that holds its tensors. */
  readonly backend: string;
  /** What runs steps as graphs; without it they run eagerly on the backend. */
  readonly runtime?: GraphRuntime;
  /** The same with the factors of products rounded to bfloat16, where the engine can do that. */
  readonly roundingRuntime?: GraphRuntime;
}

/** An entry whose name is known to the types. */
export function defineEngine<const Name extends string>(entry: EngineEntry<Name>): EngineEntry<Name> {
  return Object.freeze(entry);
}

const require = createRequire(import.meta.url);

/** The version of a package among our dependencies; undefined where it is not installed. */
export function packageVersion(name: string): string | undefined {
  try {
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}
