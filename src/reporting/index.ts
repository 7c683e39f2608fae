/** What people see of a run. */

export { formatBytes, formatCount, formatNumber, formatSeconds, formatTable } from './format.ts';
export { drawLossCurve } from './loss-curve.ts';
export type { ReportSection } from './report/blocks.ts';
export { htmlPage } from './report/html.ts';
export { markdownPage } from './report/markdown.ts';
export type { Point } from './report/measured.ts';
export { sectionOf, valuesOf } from './report/report.ts';
export { RunReporter } from './reporter.ts';
export { flatten, formatRun } from './run-table.ts';
