/** The settings of a finished stage as a flat list: all that decides what comes of it but the seed. */

import { createHash } from 'node:crypto';
import { isSeed } from '../report/rows.ts';
import { flatSettings } from '../report/values.ts';
import type { FinishedStage } from './compared-run.ts';

/** Key, such as `train-lm.head.numSamples` → value in words. */
export type Settings = ReadonlyMap<string, string>;

/** @param base the stage's name in the configuration */
export function settingsOf(base: string, { manifest, uses }: FinishedStage): Settings {
  const own = flatSettings(manifest.config, base).filter(([key]) => !isSeed(key));
  return new Map([
    ...(uses === base ? [] : [[`${base}.uses`, uses] as const]),
    ...own,
    ...filesOf(base, manifest.sources),
    ...(manifest.code === undefined ? [] : [[`${base}: code`, manifest.code.slice(0, 8)] as const]),
    [`${base}: version`, String(manifest.stageVersion)],
  ]);
}

/** What the files of a corpus hold: how many there are, and a short print of their contents. */
function filesOf(base: string, sources: FinishedStage['manifest']['sources']): [string, string][] {
  if (!sources?.length) return [];
  const hash = createHash('sha256');
  for (const { sha256, role } of sources) hash.update(`${sha256} ${role ?? ''}\n`);
  return [[`${base}: files`, `${sources.length} (${hash.digest('hex').slice(0, 8)})`]];
}
