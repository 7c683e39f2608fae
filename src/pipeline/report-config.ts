/**
 * The `report:` part of a configuration: which results `calm report` shows, beside which published numbers.
 */

import { z } from 'zod';

/** The name of a value; of a list of names the first that a row has. */
const path = z.union([z.string(), z.array(z.string()).nonempty()]);

const plot = z.strictObject({
  title: z.string().describe('What is to be seen.'),
  rows: z
    .union([z.strictObject({ list: z.string() }), z.strictObject({ curve: z.string() })])
    .optional()
    .describe(
      'One row a run where absent. list: one for each entry of a list in the results ' +
        '(evaluate.temperature). curve: one for each line of a stage’s metrics.jsonl.',
    ),
  x: path.describe('An axis of the matrix, a result (stage.path), or a field of the list or curve.'),
  y: path.describe('Likewise.'),
  color: path.optional().describe('Likewise; one line or colour for each.'),
  interval: path.optional().describe('A result of two numbers: the interval of y.'),
  kind: z.enum(['bar', 'line', 'point']).default('bar'),
  paper: z
    .record(z.string(), z.number())
    .optional()
    .describe('The paper’s number for each label of x (`x / color` where there is a colour).'),
  correlation: z
    .boolean()
    .default(false)
    .describe('Whether Pearson’s and Spearman’s coefficients of x and y are given, with their intervals.'),
});

export const reportConfig = z.strictObject({
  title: z.string().describe('Heading.'),
  source: z.string().optional().describe('What of the paper this repeats.'),
  text: z.string().optional().describe('What was done and what is seen; Markdown.'),
  columns: z.array(z.string()).default([]).describe('Results that the table shows, one row a run.'),
  plots: z.array(plot).default([]),
});

export type ReportConfig = z.infer<typeof reportConfig>;
export type ReportPlot = ReportConfig['plots'][number];
