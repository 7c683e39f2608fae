/** npm run golden -- DIR [--engine wasm|cpu|…] [--json]: checks every golden case found under DIR. */

import { parseArgs } from 'node:util';
import { ENGINE_CHOICES, type EngineChoice, loadEngine, type PrecisionChoice } from 'calm-lm/engine';
import { ALLOWANCE } from './case.ts';
import { type CaseReport, runGoldens } from './run.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string', default: 'auto' },
    json: { type: 'boolean', default: false },
    precision: { type: 'string', default: 'f32' },
    tokenizer: { type: 'string' },
  },
});
if (positionals.length !== 1) {
  console.error(
    `usage: npm run golden -- DIR [--engine ${ENGINE_CHOICES.join('|')}] [--precision bf16] [--tokenizer FOLDER] [--json]`,
  );
  process.exit(2);
}

const engine = await loadEngine(
  values.engine as EngineChoice,
  undefined,
  values.precision as PrecisionChoice,
);
const reports = await runGoldens(positionals[0], engine, { tokenizer: values.tokenizer });
const count = (state: CaseReport['state']) => reports.filter((report) => report.state === state).length;
const counts = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };

if (values.json) console.log(JSON.stringify({ engine: engine.name, ...counts, cases: reports }, null, 2));
else printReports();
// With --json the document has stdout to itself.
(values.json ? console.error : console.log)(
  `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
);
if (counts.failed > 0 || reports.length === 0) process.exitCode = 1;

function printReports(): void {
  console.log(`engine ${engine.name}; each value within ${ALLOWANCE} × the float32 noise floor`);
  for (const report of reports) {
    const worst = Math.max(0, ...report.comparisons.map(({ deviation }) => deviation));
    const detail =
      report.reason ??
      `${report.comparisons.length} comparisons, largest deviation ${worst.toExponential(1)}`;
    console.log(`${report.state.padEnd(7)} ${report.directory} (${report.kind}): ${detail}`);
    if (report.unchecked.length && report.state !== 'skipped')
      console.log(`        not compared: ${report.unchecked.join(', ')}`);
  }
}
