/** What people see of a run. */

export { formatBytes, formatCount, formatNumber, formatSeconds, formatTable } from './format.ts';
export { drawLossCurve } from './loss-curve.ts';
export { htmlPage, markdownPage } from './report/pages.ts';
export type { Point } from './report/plot.ts';
export { type ReportSection, sectionOf, valuesOf } from './report/report.ts';
export { RunReporter } from './reporter.ts';
export { flatten, formatRun } from './run-table.ts';
