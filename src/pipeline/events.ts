/**
 * What a run tells the world. Reporters turn events into lines, spinners and JSON; the pipeline itself prints
 * nothing.
 */

import type { LoggedSample } from '../runs/index.ts';

export type StageState = 'done' | 'up to date';

export interface StageProgress {
  readonly step: number;
  readonly steps?: number;
  /** What it does, where that is several things one after the other. */
  readonly what?: string;
  readonly values?: Record<string, number>;
  readonly tokensPerSecond?: number;
}

export type PipelineEvent =
  | { readonly type: 'warning'; readonly text: string }
  /** Of the run as a whole. */
  | { readonly type: 'run-note'; readonly text: string }
  | { readonly type: 'stage-started'; readonly stage: string; readonly reasons: readonly string[] }
  | {
      readonly type: 'stage-skipped';
      readonly stage: string;
      readonly metrics: Record<string, unknown>;
      readonly seconds: number;
      /** The folder that the result was taken from. */
      readonly from?: string;
      /** Whether it is a result that this run kept. */
      readonly isKept?: boolean;
      /** The engine that made it. */
      readonly engine?: string;
    }
  | { readonly type: 'progress'; readonly stage: string; readonly progress: StageProgress }
  | {
      readonly type: 'metrics';
      readonly stage: string;
      readonly metrics: { step: number } & Record<string, number>;
    }
  | { readonly type: 'written'; readonly stage: string; readonly sample: LoggedSample }
  | { readonly type: 'note' | 'warn' | 'text'; readonly stage: string; readonly text: string }
  | {
      readonly type: 'stage-finished';
      readonly stage: string;
      readonly metrics: Record<string, unknown>;
      readonly seconds: number;
      readonly metricsFile: string;
    }
  | { readonly type: 'stage-failed'; readonly stage: string; readonly error: unknown };

export type Reporter = (event: PipelineEvent) => void;
