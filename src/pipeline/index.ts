/** Configurations, the registry, plans and runs. Knows no tensor. */

export {
  type ConfigDocument,
  checkConfig,
  parseConfig,
  type RunConfig,
  readConfig,
  runConfigSchema,
  withItself,
} from './config.ts';
export { costsOf, type ModelCost, totalCost, totalsOf } from './cost.ts';
export type { PipelineEvent, Reporter, StageProgress, StageState } from './events.ts';
export { findGarbage, free, type Garbage } from './garbage.ts';
export { kindOf, needsOf, type Selection } from './graph.ts';
export { type FileList, problemsOf } from './integrity.ts';
export type { Labels } from './matrix.ts';
export type { CellStages } from './merge-cells.ts';
export { applyOverrides } from './overrides.ts';
export { makePlan, type Plan, type PlannedStage, type PlanOptions, sourceDirectory } from './plan.ts';
export { addConfiguredPlugins, Registry, registerExport } from './registry.ts';
export type { ReportConfig, ReportPlot } from './report-config.ts';
export { type Manifest, RunFolder, readManifest } from './run-folder.ts';
export { isInterruption, type RunOptions, runPlan, type StageResult } from './runner.ts';
export { type FieldSchema, fieldsOf, jsonSchemaOf } from './stage-fields.ts';
