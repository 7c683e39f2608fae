/** Configurations, the registry, plans and their running, and questions to stages. Knows no tensor. */

export { askStage, type Question, temporaryFolder } from './ask.ts';
export {
  type ConfigDocument,
  checkConfig,
  parseConfig,
  pluginsOf,
  type RunConfig,
  readConfig,
  runConfigSchema,
} from './config.ts';
export { costsOf, costsOfRun, type ModelCost, totalCost, totalsOf } from './cost.ts';
export type { PipelineEvent, Reporter, StageProgress, StageState } from './events.ts';
export { checkedFields, kindOf, needsOf, type Selection, wantedInputs } from './graph.ts';
export type { Labels } from './matrix.ts';
export type { CellStages } from './merge-cells.ts';
export { applyOverrides } from './overrides.ts';
export { makePlan, type Plan, type PlannedStage, type PlanOptions } from './plan.ts';
export { codeOfAll, packageCode } from './plugin-code.ts';
export { factsOf, type Ranks, type ServeOptions, serveRun } from './ranks.ts';
export { addConfiguredPlugins, Registry, registerExport } from './registry.ts';
export { type ReportConfig, type ReportPlot, reportConfig } from './report-config.ts';
export { recordOf } from './request.ts';
export {
  isInterruption,
  type Jobs,
  type RunOptions,
  runOneStage,
  runPlan,
  type StageResult,
} from './runner.ts';
export { type RankSpeed, type StepTime, stateBytes, stepTime } from './scaling.ts';
export { type FieldSchema, fieldsOf, jsonSchemaOf } from './stage-fields.ts';
