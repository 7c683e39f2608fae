/** The engine of a process, as programs share it: there is one, because TensorFlow.js keeps it in global state. */

import { type Engine, loadEngine } from '../engine/index.ts';
import type { PrecisionChoice } from '../engine/precision.ts';
import { CalmError, engineTaken } from '../errors.ts';

export interface EngineChoice {
  readonly name: string;
  readonly precision: PrecisionChoice;
  /** Whether another will do where this one doesn't work: it is what a run was made with, not what was asked. */
  readonly isPreference: boolean;
}

let loading: Promise<Engine> | undefined;
let numHolders = 0;

/**
 * Takes the engine that is loaded, or loads one. Another one than the loaded is an error while someone holds
 * that.
 * @returns the engine, and what lets go of it
 */
export async function holdEngine(
  choice: EngineChoice,
  warn: (message: string) => void,
): Promise<{ engine: Engine; letGo: () => void }> {
  if (numHolders === 0) loading = undefined;
  numHolders++;
  const letGo = () => {
    numHolders--;
  };
  try {
    loading ??= startEngine(choice, warn);
    const engine = await loading;
    if (!choice.isPreference && choice.name !== 'auto' && choice.name !== engine.name)
      throw engineTaken(engine.name, choice.name);
    return { engine, letGo };
  } catch (error) {
    letGo();
    throw error;
  }
}

/** An engine by its name; where it is only preferred, the first that works instead. */
export async function startEngine(
  { name, precision, isPreference }: EngineChoice,
  warn: (message: string) => void,
): Promise<Engine> {
  const onPassedOver = (error: CalmError) => warn(error.message);
  return loadEngine(name, onPassedOver, precision).catch((error: unknown) => {
    const isAsAsked = !isPreference || (name === 'auto' && precision === 'f32');
    if (isAsAsked || !(error instanceof CalmError)) throw error;
    warn(`${error.message} Another engine is taken.`);
    return loadEngine('auto', onPassedOver);
  });
}
