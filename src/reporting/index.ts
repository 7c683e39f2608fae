/** What people see of a run. */

export { formatCount, formatNumber, formatSeconds, formatTable } from './format.ts';
export { drawLossCurve } from './loss-curve.ts';
export { RunReporter } from './reporter.ts';
export { flatten, formatRun } from './run-table.ts';
