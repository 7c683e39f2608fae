/**
 * Does what a plan says, stage by stage. A stage works in a folder of its own that is renamed into place when
 * whole.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeFileWhole } from '../artifacts/index.ts';
import { CalmError, inputNotReady, runLost, stageThrew, systemError } from '../errors.ts';
import { locate } from '../hub/index.ts';
import type { StageContext } from '../plugin/index.ts';
import { copyFolder, type KeptResult, MANIFEST_VERSION, type Manifest } from '../runs/index.ts';
import { eachWhenReady } from './at-once.ts';
import { checkAhead } from './check-ahead.ts';
import { estimatesOf } from './cost.ts';
import type { Reporter, StageState } from './events.ts';
import { type Plan, type PlannedStage, sourceDirectory } from './plan.ts';
import { beginRanks, dismissRanks, NO_RANKS, type Ranks, ranksFor, sameEngine } from './ranks.ts';
import { outputsOf, saveRequest } from './request.ts';
import {
  closing,
  createOutputs,
  type LoadedEngine,
  openInputs,
  pauseFor,
  type Results,
  reportInto,
} from './stage-work.ts';

export interface RunOptions {
  readonly report: Reporter;
  /** Aborted by a signal; its reason is the error to end with. */
  readonly signal: AbortSignal;
  /** Loads the tensor engine; called at most once a run. */
  readonly loadEngine: () => Promise<LoadedEngine>;
  /** calm's own version, for manifests. */
  readonly version: string;
  /** The processes that carry it out together, this one being the first; it is alone where absent. */
  readonly ranks?: Ranks;
  /** Processes for stages that do not need one another; they are carried out here where absent. */
  readonly jobs?: Jobs;
}

export interface Jobs {
  /** How many stages at once. */
  readonly count: number;
  /** Carries out a stage that is out of date. @param signal to stop and save what can be saved */
  run(stage: string, signal: AbortSignal): Promise<StageResult>;
}

export interface StageResult {
  readonly name: string;
  readonly state: StageState;
  readonly seconds: number;
  readonly metrics: Record<string, unknown>;
}

/**
 * Runs the stages of a plan that are out of date, in order. Results of finished ones are in the answer, those
 * left out are not.
 */
export async function runPlan(plan: Plan, given: RunOptions): Promise<StageResult[]> {
  refuseBlocked(plan);
  const { release, lost } = await plan.folder.lock((text) => given.report({ type: 'warning', text }));
  const isLost = new AbortController();
  lost.addEventListener('abort', () => isLost.abort(runLost(plan.folder.directory)));
  const options = { ...given, signal: AbortSignal.any([given.signal, isLost.signal]) };
  try {
    await plan.folder.recover(plan.stages.map(({ node }) => node.id));
    await beginRanks(plan, options.ranks ?? NO_RANKS);
    await checkAhead(plan, new Map(), options);
    await saveRequest(plan);
    const results = await runStages(plan, options);
    await dismissRanks(options.ranks ?? NO_RANKS);
    return results;
  } finally {
    release();
  }
}

async function runStages(plan: Plan, options: RunOptions): Promise<StageResult[]> {
  const { jobs, signal } = options;
  const results = new Map<string, StageResult>();
  const metrics = new Map<string, Record<string, unknown>>();
  const wanted = plan.stages.filter(({ state }) => state !== 'left out');
  await eachWhenReady(wanted, jobs?.count ?? 1, signal, async (planned, stopped) => {
    const { id } = planned.node;
    const result =
      jobs && planned.state === 'out of date'
        ? await jobs.run(id, stopped)
        : await runStage(plan, planned, options);
    results.set(id, result);
    metrics.set(id, result.metrics);
    if (result.state === 'done') await checkAhead(plan, metrics, options);
  });
  return wanted.flatMap(({ node }) => results.get(node.id) ?? []);
}

/** One stage of a plan, for the process that carries the plan out and holds its lock. */
export async function runOneStage(plan: Plan, id: string, options: RunOptions): Promise<StageResult> {
  refuseBlocked(plan);
  return runStage(plan, plan.stages.find(({ node }) => node.id === id) as PlannedStage, options);
}

async function runStage(plan: Plan, planned: PlannedStage, options: RunOptions): Promise<StageResult> {
  const { state, elsewhere, manifest } = planned;
  if (state === 'up to date') return skipStage(plan, planned, manifest, options);
  if (state === 'kept' && elsewhere) {
    await plan.folder.takeUp(planned.node.id, elsewhere);
    return skipStage(plan, planned, elsewhere.manifest, options);
  }
  if (state === 'shared' && elsewhere) return takeShared(plan, planned, elsewhere, options);
  return new StageRun(plan, planned, options).run();
}

/** Puts the result of another run into this one. */
async function takeShared(
  plan: Plan,
  planned: PlannedStage,
  { directory, manifest }: KeptResult,
  options: RunOptions,
): Promise<StageResult> {
  const { id } = planned.node;
  const { folder } = plan;
  const work = await folder.openWork(id, planned);
  // What an interrupted run of this stage has left is not needed any more.
  await rm(work.directory, { recursive: true, force: true });
  await copyFolder(directory, work.directory, ['manifest.json']);
  const own: Manifest = { ...manifest, stage: id, inputs: planned.inputs };
  await folder.publish(id, own);
  return skipStage(plan, planned, own, options);
}

function refuseBlocked(plan: Plan): void {
  const blocked = plan.stages.find(({ waitsFor }) => waitsFor !== undefined);
  if (blocked?.waitsFor !== undefined) throw inputNotReady(blocked.node.id, blocked.waitsFor);
}

function skipStage(
  plan: Plan,
  { node, elsewhere, state }: PlannedStage,
  manifest: Manifest | undefined,
  { report }: RunOptions,
): StageResult {
  const { seconds = 0, metrics = {}, versions } = manifest ?? {};
  const from = elsewhere && { from: elsewhere.directory, isKept: state === 'kept' };
  // Another engine's result is taken, because engines agree to rounding; but not in silence.
  const isOther = elsewhere || !['auto', versions?.engine].includes(plan.config.engine);
  const engine = versions?.engine && isOther ? { engine: versions.engine } : {};
  report({ type: 'stage-skipped', stage: node.id, metrics, seconds, ...from, ...engine });
  return { name: node.id, state: 'up to date', seconds, metrics };
}

class StageRun {
  readonly #plan: Plan;
  readonly #planned: PlannedStage;
  readonly #options: RunOptions;
  readonly #started = performance.now();
  readonly #results: Results = { summary: {}, headline: {} };
  #engine: LoadedEngine | undefined;

  constructor(plan: Plan, planned: PlannedStage, options: RunOptions) {
    this.#plan = plan;
    this.#planned = planned;
    this.#options = options;
  }

  async run(): Promise<StageResult> {
    const { node, reasons, continuesFrom } = this.#planned;
    const { folder } = this.#plan;
    const { report } = this.#options;
    report({ type: 'stage-started', stage: node.id, reasons });
    const opened = await folder.openWork(node.id, this.#planned, continuesFrom?.directory);
    const elapsed = () => opened.seconds + (performance.now() - this.#started) / 1000;
    try {
      await this.#work(opened.directory);
    } catch (error) {
      // On a full disk not even this can be written, and it does not matter.
      await folder.noteTime(node.id, elapsed()).catch(() => {});
      const shown = shownError(error, node, opened.directory, this.#options.signal);
      report({ type: 'stage-failed', stage: node.id, error: shown });
      throw shown;
    }
    const seconds = elapsed();
    const metrics = this.#results.summary;
    await writeFileWhole(join(opened.directory, 'config.yaml'), stringify(node.config));
    await folder.publish(node.id, { ...this.#manifest(seconds), ...(await this.#cost()) });
    const metricsFile = join(folder.stage(node.id), 'metrics.jsonl');
    report({ type: 'stage-finished', stage: node.id, metrics, seconds, metricsFile });
    return { name: node.id, state: 'done', seconds, metrics };
  }

  /** Runs the stage; whatever was opened for it is closed again. */
  async #work(directory: string): Promise<void> {
    const { node } = this.#planned;
    const { folder, config } = this.#plan;
    const { report, signal, loadEngine, ranks = NO_RANKS } = this.#options;
    const places = Object.entries(node.inputs).map(([port, source]) => [
      port,
      sourceDirectory(source, folder),
    ]);
    const inputs = await openInputs(node.stage, Object.fromEntries(places) as Record<string, string>);
    await closing(inputs, async () => {
      const outputs = await createOutputs(node.stage, directory);
      const cluster = await ranksFor(this.#planned, ranks);
      const load = sameEngine(cluster, loadEngine);
      const context = {
        config: node.config,
        inputs: inputs.ports,
        outputs: outputs.ports,
        engine: async () => {
          this.#engine = await load();
          return this.#engine;
        },
        seed: node.seed,
        report: reportInto(directory, node.id, report, this.#results),
        signal,
        pause: pauseFor(signal),
        checkpoints: join(directory, 'checkpoints'),
        resolvePath: (path: string) => locate(config.directory, path),
        cluster,
      };
      await closing(outputs, () => node.stage.run(context as unknown as StageContext<never, never, never>));
    });
  }

  #manifest(seconds: number): Manifest {
    const { node, fingerprint, inputs, sources } = this.#planned;
    const { version } = this.#options;
    const { summary, headline } = this.#results;
    const labels = node.stage.labels?.(node.config);
    const engine = this.#engine ? { engine: this.#engine.name, ...this.#engine.versions } : {};
    return {
      formatVersion: MANIFEST_VERSION,
      stage: node.id,
      uses: node.stage.name,
      stageVersion: node.stage.version ?? 1,
      ...(node.code ? { code: node.code } : {}),
      ...(node.partsCode ? { partsCode: node.partsCode } : {}),
      fingerprint,
      seed: node.seed,
      config: node.config,
      inputs,
      outputs: Object.fromEntries(
        outputsOf(node.stage).map(([port, { name, formatVersion }]) => [port, { kind: name, formatVersion }]),
      ),
      ...(sources ? { sources: [...sources] } : {}),
      ...(Object.keys(headline).length ? { headline } : {}),
      ...(labels ? { labels } : {}),
      versions: { calm: version, node: process.versions.node, ...engine },
      seconds,
      finishedAt: new Date().toISOString(),
      metrics: summary,
    };
  }

  /** What the model that the stage trained costs; nothing where that can't be told. */
  async #cost(): Promise<Pick<Manifest, 'cost'>> {
    const { node } = this.#planned;
    if (!node.stage.estimate) return {};
    const nodes = this.#plan.stages.map((planned) => planned.node);
    const estimates = await estimatesOf(nodes, this.#plan.config.directory).catch(() => undefined);
    const { parts, trainingTokens } = estimates?.get(node.id) ?? {};
    if (!parts) return {};
    return { cost: { parts: [...parts], ...(trainingTokens === undefined ? {} : { trainingTokens }) } };
  }
}

/** The error to end with: the disk's, the signal's, or the stage's own; a third party's names its stage. */
export function shownError(
  error: unknown,
  { stage, code }: Pick<PlannedStage['node'], 'stage' | 'code'>,
  directory: string,
  signal: AbortSignal,
): unknown {
  // Where the disk failed, what was to be saved is not, signal or no signal.
  const disk = systemError(error, directory);
  if (disk) return disk;
  if (signal.aborted) return signal.reason;
  return code && !(error instanceof CalmError) ? stageThrew(stage.name, error) : error;
}

/** Whether an error only says that the user stopped the run. */
export function isInterruption(error: unknown): boolean {
  return error instanceof CalmError && error.code === 'CALM_INTERRUPTED';
}
