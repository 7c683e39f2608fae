/**
 * What can be known to fail is said before the work and not after hours of it: the engine, and whatever the
 * stages
 * themselves can check. Asked before the first stage, and again whenever a stage has made what later ones
 * need.
 */

import { locate } from '../hub/index.ts';
import type { InputFacts } from '../plugin/index.ts';
import type { Plan, PlannedStage } from './plan.ts';
import type { LoadedEngine } from './stage-work.ts';

/** @param metrics of the stages that are done, by id */
export async function checkAhead(
  { config, stages }: Pick<Plan, 'config' | 'stages'>,
  metrics: ReadonlyMap<string, Record<string, unknown>>,
  { loadEngine }: { readonly loadEngine: () => Promise<LoadedEngine> },
): Promise<void> {
  const ahead = stages.filter(({ node, state }) => state === 'out of date' && !metrics.has(node.id));
  const byId = new Map(stages.map((planned) => [planned.node.id, planned]));
  for (const { node } of ahead) {
    const inputs = Object.entries(node.inputs).flatMap(([port, source]) => {
      const maker = source.type === 'stage' ? byId.get(source.id) : undefined;
      return maker ? [[port, factsOf(maker, metrics)] as const] : [];
    });
    const resolve = (path: string) => locate(config.directory, path);
    await node.stage.check?.(node.config, Object.fromEntries(inputs), resolve);
  }
  if (ahead.some(({ node }) => node.stage.usesEngine)) await loadEngine();
}

function factsOf(
  { node, state, manifest, elsewhere }: PlannedStage,
  metrics: ReadonlyMap<string, Record<string, unknown>>,
): InputFacts {
  const isThere = state === 'up to date' || state === 'left out';
  const found = metrics.get(node.id) ?? (isThere ? manifest : elsewhere?.manifest)?.metrics;
  return { config: node.config, ...(found ? { metrics: found } : {}) };
}
