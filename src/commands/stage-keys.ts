/** How the keys of a stage stand in its help. Loads nothing, for help is to be quick. */

/** The group of flags that are keys, and the title of their list. */
export const KEYS = 'KEYS';

/** A key that is no flag. */
export interface StageKey {
  /** As --set has it. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
}
