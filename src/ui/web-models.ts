/** Models of runs as browsers read them, made when they are asked for. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ModelFacts, writeWebModel } from '../publish/index.ts';
import type { Run } from '../runs/index.ts';

interface Made {
  readonly directory: string;
  readonly facts: ModelFacts;
}

/** Holds them in a temporary folder until it is disposed of. */
export class WebModels {
  readonly #made = new Map<string, Promise<Made>>();
  #folder: Promise<string> | undefined;
  #count = 0;

  /** The model of a run as it is now. */
  async of(run: Run): Promise<Made> {
    const key = keyOf(run);
    const known = this.#made.get(key) ?? this.#make(run);
    this.#made.set(key, known);
    // What went wrong once is tried again.
    known.catch(() => this.#made.delete(key));
    return known;
  }

  async #make({ folder, name }: Run): Promise<Made> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'calm-ui-'));
    const directory = join(await this.#folder, String(this.#count++));
    const place = `api/runs/${encodeURIComponent(name)}/model`;
    return { directory, facts: await writeWebModel(folder.directory, directory, { folder: place, name }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder) await rm(await this.#folder, { recursive: true, force: true });
  }
}

function keyOf({ name, stages }: Run): string {
  return JSON.stringify([name, stages.map(({ manifest }) => manifest?.fingerprint)]);
}
