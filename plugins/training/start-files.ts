/** The files that a training depends on by `initFrom`. Loads no tensor library. */

import { join } from 'node:path';
import { CheckpointStore, type languageModelFolder } from 'calm-lm/artifacts';
import { checkpointsOf, findModel, type ModelKind } from 'calm-lm/found-model';
import type { SourceFile } from 'calm-lm/plugin';
import { modelSources } from '../importing/sources.ts';
import type { StartConfig } from './start-fields.ts';

export const startSources =
  (kind: ModelKind | typeof languageModelFolder) =>
  async (
    { initFrom }: StartConfig,
    resolvePath: (path: string) => string,
  ): Promise<readonly SourceFile[] | undefined> => {
    if (!initFrom) return undefined;
    const { from, checkpoint, stage } = initFrom;
    const found = await findModel(resolvePath(from), { variant: stage, checkpoint, kinds: [kind] });
    if (checkpoint === undefined) return modelSources(found.directory);
    const checkpoints = checkpointsOf(found.directory);
    const path = await new CheckpointStore(checkpoints).fileOf(checkpoint);
    return [{ path, role: 'weights' }, ...(await modelSources(join(checkpoints, 'model')))];
  };
