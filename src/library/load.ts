/** Opens a run or a model folder for a program. */

import { resolvePath } from '../paths.ts';
import { findModel, openFound } from './found-model.ts';
import type { LoadOptions, Model } from './types.ts';

/**
 * Loads the model of a run (`runs/quickstart`), or of a model folder as `calm export` writes it or a hub has
 * it. Third parties' heads come by the modules that the run names in `plugins`.
 */
export async function load(path: string, options: LoadOptions = {}): Promise<Model> {
  const {
    checkpoint,
    headSampling,
    onWarning = (message) => process.emitWarning(message, 'CalmWarning'),
  } = options;
  const { variant } = options;
  const found = await findModel(resolvePath(process.cwd(), path), { variant, checkpoint, warn: onWarning });
  const [{ holdEngine }, { openTextModel }] = await Promise.all([
    import('./engine.ts'),
    import('./text-model.ts'),
  ]);
  const choice = {
    name: options.engine ?? found.engine,
    precision: options.precision ?? found.precision,
    isPreference: options.engine === undefined && options.precision === undefined,
  };
  const { engine, letGo } = await holdEngine(choice, onWarning);
  try {
    const folder = await openFound(found, checkpoint);
    try {
      return await openTextModel(engine, folder, {
        seed: found.seed,
        headSampling,
        onDisposed: letGo,
        onWarning,
      });
    } finally {
      folder[Symbol.dispose]();
    }
  } catch (error) {
    letGo();
    throw error;
  }
}
