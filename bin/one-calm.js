import { registerHooks } from 'node:module';

/** Packages that the documents of plugins import beside calm-lm. */
const BESIDE = new Set(['zod']);

/**
 * Lets modules of plugins see this calm as `calm-lm`, wherever they lie and whatever is installed there: a
 * global calm reads a plugin in any folder, and what a plugin registers is registered with the calm that runs.
 * Where a plugin's folder has no zod, it gets calm's.
 */
export function beTheOnlyCalm() {
  const asOurs = { parentURL: import.meta.url };
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'calm-lm' || specifier.startsWith('calm-lm/'))
        return next(specifier, { ...context, ...asOurs });
      if (!BESIDE.has(specifier)) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        return next(specifier, { ...context, ...asOurs });
      }
    },
  });
}
