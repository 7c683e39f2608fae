/** What help knows of a stage's command. Loads nothing, for help is to be quick. */

/** The group of flags that are keys, and the title of their list. */
export const KEYS = 'KEYS';

/** A key that is no flag. */
export interface StageKey {
  /** As --set has it. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
}

export interface StageFacts {
  readonly keys: readonly StageKey[];
  /** Whether it is asked about a run, instead of being a part of one. */
  readonly isAsked: boolean;
  /** Its place among the built-in ones. */
  readonly order?: number;
}
