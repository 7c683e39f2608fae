/**
 * Runs: folders that a plan makes and everything else reads. Knows no configuration file, no corpus and no
 * tensor.
 */

export { type ChosenInputs, chooseInputs } from './choose-inputs.ts';
export { bytesBelow, copyFolder, foldersIn } from './folders.ts';
export { findGarbage, free, type Garbage, type GarbageKind } from './garbage.ts';
export { headlineOf, inside } from './headline.ts';
export { type FileList, PROGRESS_FILE, problemsOf } from './integrity.ts';
export { describeRun, type ListedRun, listRuns } from './list-runs.ts';
export {
  type Label,
  type Labels,
  MANIFEST_VERSION,
  type Manifest,
  readManifest,
  type SourceRecord,
} from './manifest.ts';
export { exportMetrics } from './metric-logs/export.ts';
export {
  type LoggedSample,
  METRIC_FORMATS,
  type MetricFormat,
  type MetricLog,
  openMetricLog,
  readLogged,
  SAMPLE_EVENT,
} from './metric-logs/index.ts';
export { readMetrics } from './metrics-file.ts';
export { isWhole, resultsOfOthers } from './results.ts';
export { type Artifact, isModelFolder, isRunFolder, Run, type RunStage } from './run.ts';
export { type KeptResult, RunFolder } from './run-folder.ts';
export { type RecordedStage, type RunRecord, readRecord, writeRecord } from './run-record.ts';
