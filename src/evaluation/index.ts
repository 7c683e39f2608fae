/** Judging models. */

export * from './brier-lm.ts';
