/** One fuzz case: a target, a mutated input, what calm says of it. */

import { join } from 'node:path';
import { CalmError, systemError } from '../../../src/errors.ts';
import { RandomStream } from '../../../src/random.ts';
import { mutated, TARGETS, type Target } from './targets.ts';

export interface Outcome {
  readonly target: string;
  /** `read` or the code of a clear error; `defect` for anything else. */
  readonly result: string;
  readonly problem?: string;
}

const prepared = new Map<Target, Promise<Uint8Array>>();

/** Runs case `number` of a seed, in a folder of its own target. */
export async function runCase(folder: string, seed: number, number: number, only?: string): Promise<Outcome> {
  const targets = TARGETS.filter(({ name }) => only === undefined || name === only);
  const target = targets[number % targets.length];
  const own = join(folder, target.name.replaceAll(/[ .]/g, '-'));
  const good = await (prepared.get(target) ?? prepared.set(target, target.prepare(own)).get(target));
  const bytes = mutated(target, good as Uint8Array, new RandomStream(seed, 'fuzz', number));
  try {
    await target.read(own, bytes);
    return { target: target.name, result: 'read' };
  } catch (error) {
    if (error instanceof CalmError) return { target: target.name, result: error.code };
    const known = systemError(error, own);
    if (known) return { target: target.name, result: known.code };
    return {
      target: target.name,
      result: 'defect',
      problem: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}
