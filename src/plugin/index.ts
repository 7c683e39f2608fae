/** The public door: all that a stage, built-in or a third party's, needs to be written. */

export { API_VERSION, defineArtifact, definePlugin, defineStage, optional, problemOf } from './define.ts';
export type * from './types.ts';
