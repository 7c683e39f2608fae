/** Configurations, the registry, plans and runs. Knows no tensor. */

export { applyOverrides } from './overrides.ts';
export { checkConfig, type ConfigDocument, parseConfig, type RunConfig, readConfig, runConfigSchema } from './config.ts';
export type { PipelineEvent, Reporter, StageProgress, StageState } from './events.ts';
export { kindOf, needsOf, type Selection } from './graph.ts';
export { makePlan, type Plan, type PlannedStage, type PlanOptions } from './plan.ts';
export { addConfiguredPlugins, Registry, registerExport } from './registry.ts';
export { isInterruption, runPlan, type RunOptions, type StageResult } from './runner.ts';
export { RunFolder, readManifest } from './run-folder.ts';
export { type FieldSchema, fieldsOf, jsonSchemaOf } from './stage-fields.ts';
