/** `calm export RUN --metrics …`: what a run logged, instead of its model. */

import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { exportMetrics, METRIC_FORMATS, type MetricFormat } from '../runs/index.ts';
import type { OtherWork } from './stage-command.ts';
import { openRun } from './subject.ts';

export const metricsExport: OtherWork = {
  examples: [
    'calm export runs/quickstart --to my-model',
    'calm export runs/quickstart --metrics tensorboard',
    'calm export runs/quickstart --metrics csv --to curves',
  ],
  flags: {
    metrics: Flags.string({
      description:
        'the logs of all stages instead of the model, as event files of TensorBoard or as tables; without ' +
        '--to into NAME-tensorboard or NAME-csv',
      options: METRIC_FORMATS,
      exclusive: ['engine', 'variant', 'checkpoint'],
    }),
  },
  run: async ({ config, set, metrics, to }, say) => {
    if (metrics === undefined) return undefined;
    const run = await openRun(config, set);
    const folder = resolve(typeof to === 'string' ? to : `${run.name}-${metrics}`);
    const stages = await exportMetrics(run, metrics as MetricFormat, folder);
    say(folder);
    return { folder, stages };
  },
};
