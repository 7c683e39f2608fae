/**
 * `import { load } from 'calm-lm'`: a model in a program. Loads no tensor library before a model is loaded.
 */

export { CalmError, type SourceLocation } from '../errors.ts';
export { readLatents, writeLatents } from './latents-file.ts';
export { load } from './load.ts';
export type * from './types.ts';
