/** What a stage passes on from its context; see StageReport of the plugin door. */
export interface TrainingReport {
  progress(progress: {
    step: number;
    steps: number;
    values: Record<string, number>;
    tokensPerSecond?: number;
  }): void;
  metrics(metrics: { step: number } & Record<string, number>): void;
  event(event: { step: number } & Record<string, unknown>): void;
  note(message: string): void;
  warn(message: string): void;
  rewind(step: number, numLines?: number): void;
}
