/**
 * A run that several ranks carry out. The first does everything that one process would do, and calls the
 * others to the stages that are shared; they open the same inputs, run the same stage, and write nothing.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ALONE, type Cluster, type Facts, makeReady } from '../cluster/index.ts';
import { locate } from '../hub/index.ts';
import type { AnyStage, ArtifactKind, StageContext } from '../plugin/index.ts';
import type { Reporter } from './events.ts';
import { type Plan, type PlannedStage, sourceDirectory } from './plan.ts';
import { closing, type LoadedEngine, OpenedPorts, openInputs, pauseFor, reportAside } from './stage-work.ts';

/** The ranks of a run, and what is done where they begin. */
export interface Ranks {
  readonly cluster: Cluster;
  /**
   * The run is begun: from here on ranks are watched and their logs kept.
   * @param folder of the run's ranks, which is there
   */
  begin(folder: string): void;
}

/** What the first rank tells the others to do. */
type Order =
  | { readonly do: 'begin' }
  | { readonly do: 'stage'; readonly id: string }
  | { readonly do: 'end' };

export const NO_RANKS: Ranks = { cluster: ALONE, begin: () => {} };

/** What must be the same on all ranks before the first stage. */
export function factsOf({ stages }: Plan, versions: Facts): Facts {
  return {
    ...versions,
    ...Object.fromEntries(
      stages.map(({ node, fingerprint }) => [`the configuration of ${node.id},`, fingerprint]),
    ),
  };
}

/** On the first rank: the run is its own now. */
export async function beginRanks({ folder }: Plan, ranks: Ranks): Promise<void> {
  if (ranks.cluster.size === 1) return;
  await folder.forgetRanks();
  await tell(ranks.cluster, { do: 'begin' });
  begin(folder, ranks);
}

/** On the first rank: the others are not needed any more. */
export async function dismissRanks({ cluster }: Ranks): Promise<void> {
  if (cluster.size > 1) await tell(cluster, { do: 'end' });
}

/** On the first rank: the processes that carry out a stage, which are called. */
export async function ranksFor({ node }: PlannedStage, { cluster }: Ranks): Promise<Cluster> {
  if (cluster.size === 1 || !node.stage.sharesWork) return ALONE;
  await tell(cluster, { do: 'stage', id: node.id });
  return cluster;
}

async function tell(cluster: Cluster, order: Order): Promise<void> {
  await cluster.broadcast(order);
}

function begin({ ranks: directory }: Plan['folder'], ranks: Ranks): void {
  mkdirSync(directory, { recursive: true });
  ranks.begin(directory);
}

export interface ServeOptions {
  readonly ranks: Ranks;
  readonly report: Reporter;
  readonly signal: AbortSignal;
  readonly loadEngine: () => Promise<LoadedEngine>;
}

/** On every other rank: does what the first one says until the run is over. */
export async function serveRun(plan: Plan, options: ServeOptions): Promise<void> {
  const { ranks } = options;
  for (;;) {
    const order = await ranks.cluster.broadcast<Order>({ do: 'end' });
    if (order.do === 'end') return;
    if (order.do === 'begin') begin(plan.folder, ranks);
    else await takePart(plan, plan.stages.find(({ node }) => node.id === order.id) as PlannedStage, options);
  }
}

async function takePart(
  { folder, config }: Plan,
  { node }: PlannedStage,
  { ranks: { cluster }, report, signal, loadEngine }: ServeOptions,
): Promise<void> {
  report({ type: 'stage-started', stage: node.id, reasons: [] });
  const startedMs = performance.now();
  const places = Object.entries(node.inputs).map(([port, source]) => [port, sourceDirectory(source, folder)]);
  const inputs = await openInputs(node.stage, Object.fromEntries(places) as Record<string, string>);
  await closing(inputs, async () => {
    const outputs = await outputsBeside(node.stage, folder.work(node.id));
    const context = {
      config: node.config,
      inputs: inputs.ports,
      outputs: outputs.ports,
      engine: sameEngine(cluster, loadEngine),
      seed: node.seed,
      report: reportAside(node.id, report, { summary: {}, headline: {} }),
      signal,
      pause: pauseFor(signal),
      checkpoints: folder.checkpoints(node.id),
      resolvePath: (path: string) => locate(config.directory, path),
      cluster,
    };
    await closing(outputs, () => node.stage.run(context as unknown as StageContext<never, never, never>));
  });
  const seconds = (performance.now() - startedMs) / 1000;
  report({ type: 'stage-finished', stage: node.id, metrics: {}, seconds, metricsFile: '' });
}

/** Writers that keep nothing; what a stage keeps over interruptions, others may add to. */
async function outputsBeside(stage: AnyStage, directory: string): Promise<OpenedPorts> {
  const opened = new OpenedPorts();
  for (const [port, kind] of Object.entries(stage.outputs as Record<string, ArtifactKind>))
    await opened.open(port, async () =>
      stage.keepsOutputs ? kind.create(join(directory, port)) : kind.discard?.(),
    );
  return opened;
}

/** The engine of a stage, which must be the same on all ranks that carry it out. */
export function sameEngine(cluster: Cluster, load: () => Promise<LoadedEngine>): () => Promise<LoadedEngine> {
  if (cluster.size === 1) return load;
  let made: Promise<LoadedEngine> | undefined;
  const loadTogether = async () => {
    const engine: { current?: LoadedEngine } = {};
    await makeReady(cluster, async () => {
      engine.current = await load();
      return { 'the engine': engine.current.name, ...engine.current.versions };
    });
    return engine.current as LoadedEngine;
  };
  return () => (made ??= loadTogether());
}
