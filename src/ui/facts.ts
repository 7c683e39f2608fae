/** What the server of runs tells the page. */

import type { Block, ReportTable } from '../reporting/index.ts';

export type { Block, HeadlineNumber, ReportTable } from '../reporting/index.ts';

/** A run in the list. */
export interface RunLine {
  readonly name: string;
  readonly state: 'at work' | 'done' | 'unfinished' | 'broken';
  readonly numDone: number;
  readonly numStages: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
  readonly headline: readonly { readonly name: string; readonly value: string }[];
  readonly problem?: string;
}

export interface StageFacts {
  readonly id: string;
  readonly uses: string;
  readonly state: 'done' | 'done with another configuration' | 'at work' | 'stopped' | 'not run' | 'broken';
  /** Stages of this run that it takes something from. */
  readonly takes: readonly string[];
  readonly seconds?: number;
  readonly progress?: {
    readonly step: number;
    readonly steps?: number | undefined;
    readonly what?: string | undefined;
    readonly tokensPerSecond?: number | undefined;
  };
  /** Values of metrics.jsonl that are drawn, and their names. */
  readonly curves: Readonly<Record<string, string>>;
}

/** What is told of a run whenever it changes. */
export interface RunState {
  readonly name: string;
  readonly process?: { readonly pid: number; readonly host: string; readonly isHere: boolean };
  readonly stages: readonly StageFacts[];
}

/** What is told of a run that was opened. */
export interface RunDetail extends RunState {
  readonly blocks: readonly Block[];
  /** Everything else that was measured, and how. */
  readonly details: readonly Block[];
  /** config.yaml as it was last run. */
  readonly configuration: string;
  readonly hasModel: boolean;
}

/** Lines of a stage's metrics.jsonl: numbers by their names. */
export type MetricsLine = Readonly<Record<string, number>>;

/** What is sent of a stage's logs; `from` is 0 where they begin anew. */
export interface LoggedLines {
  readonly stage: string;
  readonly from: number;
  readonly lines: readonly MetricsLine[];
  readonly texts: readonly { readonly step: number; readonly prompt: string; readonly text: string }[];
}

export interface ComparedRuns {
  readonly names: readonly string[];
  readonly differences: ReportTable;
  readonly results: ReportTable;
  readonly legend: readonly string[];
  readonly notes: readonly string[];
}
