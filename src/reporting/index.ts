/** What people see of a run. */

export { compare } from './compare/comparison.ts';
export { formatComparison } from './compare/text.ts';
export { differenceTable, legendOf, resultTable } from './compare/words.ts';
export { formatBytes, formatCount, formatNumber, formatSeconds } from './format.ts';
export { drawLossCurve } from './loss-curve.ts';
export type { Block, HeadlineNumber, ReportSection, ReportTable } from './report/blocks.ts';
export { htmlPage } from './report/html.ts';
export { markdownPage } from './report/markdown.ts';
export type { Point } from './report/measured.ts';
export { plainBlocks } from './report/plain.ts';
export { comparisonSection, sectionOf, valuesOf } from './report/report.ts';
export { type Detail, RunReporter } from './reporter.ts';
export { flatten, formatRun } from './run-table.ts';
export { type EndedStage, formatAnswer } from './terminal/answer.ts';
export { formatEvaluation } from './terminal/evaluation.ts';
export { formatMeasure } from './terminal/measures.ts';
export { formatSweep } from './terminal/sweep.ts';
export { formatTable } from './terminal/table.ts';
export { columnsOf } from './terminal/width.ts';
