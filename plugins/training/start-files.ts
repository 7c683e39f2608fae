/** The files that a training depends on by `initFrom`. Loads no tensor library. */

import { join } from 'node:path';
import { CheckpointStore } from 'calm-lm/artifacts';
import { checkpointsOf, type FoundModel, findModel, type ModelKind } from 'calm-lm/found-model';
import type { SourceFile } from 'calm-lm/plugin';
import { modelDownloads, modelSources } from '../importing/sources.ts';
import type { StartConfig, StartPlace } from './start-fields.ts';

/** The model that a training begins with. */
export function findStart(
  { from, checkpoint, stage }: StartPlace,
  kind: ModelKind,
  resolvePath: (path: string) => string,
): Promise<FoundModel> {
  return findModel(resolvePath(from), { variant: stage, checkpoint, kinds: [kind] });
}

/** The model that it begins with may lie on the hub. */
export const startDownloads = ({ initFrom }: StartConfig) => modelDownloads({ models: [initFrom?.from] });

export const startSources =
  (kind: ModelKind) =>
  async (
    { initFrom }: StartConfig,
    resolvePath: (path: string) => string,
  ): Promise<readonly SourceFile[] | undefined> => {
    if (!initFrom) return undefined;
    const { checkpoint } = initFrom;
    const found = await findStart(initFrom, kind, resolvePath);
    if (checkpoint === undefined) return modelSources(found.directory);
    const checkpoints = checkpointsOf(found.directory);
    const path = await new CheckpointStore(checkpoints).fileOf(checkpoint);
    return [{ path, role: 'weights' }, ...(await modelSources(join(checkpoints, 'model')))];
  };
