/** `calm export RUN --to-web …`: a page that runs the model in the reader's browser. */

import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { resolvePath } from '../paths.ts';
import { formatBytes } from '../reporting/format.ts';
import { shownPath } from './shown-path.ts';
import type { OtherWork } from './stage-command.ts';
import { subjectFolder } from './subject.ts';

export const webExport: OtherWork = {
  examples: [
    'calm export runs/quickstart --to-web my-page',
    'calm export runs/quickstart --to-web my-page --beside runs/transformer',
  ],
  flags: {
    'to-web': Flags.string({
      description:
        'a folder for any web server instead: a page that runs the model in the browser, with weights in half ' +
        'precision',
      helpValue: 'FOLDER',
      exclusive: ['to', 'metrics', 'engine', 'checkpoint'],
    }),
    beside: Flags.string({
      description: 'with --to-web: another run or model folder to compare with, as the discrete Transformer',
      helpValue: 'RUN',
      dependsOn: ['to-web'],
    }),
  },
  run: async ({ config, variant, 'to-web': to, beside }, say) => {
    if (typeof to !== 'string') return undefined;
    const sources = [{ path: await subjectFolder(config), variant }];
    if (typeof beside === 'string')
      sources.push({ path: resolvePath(process.cwd(), beside), variant: undefined });
    const folder = resolve(to);
    const { writeWebFolder } = await import('../publish/index.ts');
    const { models, bytes } = await writeWebFolder(sources, folder);
    say(`${shownPath(folder)}: ${formatBytes(bytes)}, for any web server`);
    return { folder, bytes, models };
  },
};
