/** Does what a plan says, stage by stage. A stage works in a folder of its own that is renamed into place when it is whole. */

import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { writeFileWhole, writeJson } from '../artifacts/index.ts';
import { CalmError, inputNotReady, interrupted, systemError } from '../errors.ts';
import type { ArtifactKind, OptionalPort, StageContext, StageReport } from '../plugin/index.ts';
import type { Reporter, StageProgress, StageState } from './events.ts';
import { kindOf } from './graph.ts';
import { PROGRESS_FILE } from './integrity.ts';
import { type Plan, type PlannedStage, sourceDirectory } from './plan.ts';
import { MANIFEST_VERSION, type Manifest } from './run-folder.ts';
import { copyResult, type SharedResult } from './shared-results.ts';

/** What the runner needs to know of an engine: its name and the versions for manifests. */
interface LoadedEngine {
  readonly name: string;
  readonly versions: Readonly<Record<string, string>>;
}

export interface RunOptions {
  readonly report: Reporter;
  readonly signal: AbortSignal;
  /** Loads the tensor engine; called at most once a run. */
  readonly loadEngine: () => Promise<LoadedEngine>;
  /** calm's own version, for manifests. */
  readonly version: string;
  /** The command that goes on after an interruption. */
  readonly command: string;
}

export interface StageResult {
  readonly name: string;
  readonly state: StageState;
  readonly seconds: number;
  readonly metrics: Record<string, unknown>;
}

/** Runs the stale stages of a plan in order. Results of fresh ones are in the answer too; stages that are left out are not. */
export async function runPlan(plan: Plan, options: RunOptions): Promise<StageResult[]> {
  refuseBlocked(plan);
  const unlock = await plan.folder.lock((text) => options.report({ type: 'run-note', text }));
  try {
    await plan.folder.recover(plan.stages.map(({ node }) => node.id));
    await saveConfig(plan);
    const results: StageResult[] = [];
    for (const planned of plan.stages.filter(({ state }) => state !== 'left out'))
      results.push(await runStage(plan, planned, options));
    return results;
  } finally {
    unlock();
  }
}

async function runStage(plan: Plan, planned: PlannedStage, options: RunOptions): Promise<StageResult> {
  if (planned.state === 'fresh') return skipStage(planned, planned.manifest, options);
  if (planned.state !== 'shared' || !planned.shared) return new StageRun(plan, planned, options).run();
  return takeShared(plan, planned, planned.shared, options);
}

/** Puts the result of another run into this one. */
async function takeShared(
  { folder }: Plan,
  planned: PlannedStage,
  { directory, manifest }: SharedResult,
  options: RunOptions,
): Promise<StageResult> {
  const { id } = planned.node;
  const work = await folder.openWork(id, planned.fingerprint);
  // What an interrupted run of this stage has left is not needed any more.
  await rm(work.directory, { recursive: true, force: true });
  await copyResult(directory, work.directory);
  const own: Manifest = { ...manifest, stage: id, inputs: planned.inputs };
  await folder.publish(id, own);
  return skipStage(planned, own, options);
}

function refuseBlocked(plan: Plan): void {
  const blocked = plan.stages.find(({ state }) => state === 'blocked');
  if (blocked)
    throw inputNotReady(
      blocked.node.id,
      blocked.reasons[0].replace(/ (has not been run|is blocked|does not exist)$/, ''),
    );
}

/** The whole configuration as it is run, so that later commands can name the run folder instead of the file. */
async function saveConfig({ config, folder }: Plan): Promise<void> {
  const stages = Object.fromEntries(
    Object.entries(config.stages).map(([id, { uses, inputs, fields }]) => [
      id,
      { ...(uses === id ? {} : { uses }), ...(Object.keys(inputs).length ? { inputs } : {}), ...fields },
    ]),
  );
  const { name, seed, engine, output, plugins, matrix, report } = config;
  const whole = {
    name,
    seed,
    engine,
    output,
    plugins,
    ...(matrix ? { matrix } : {}),
    ...(report ? { report } : {}),
    stages,
  };
  await writeFileWhole(join(folder.directory, 'config.yaml'), stringify(whole));
  await writeJson(join(folder.directory, 'run.json'), { directory: config.directory, file: config.file });
}

function skipStage(
  { node, shared }: PlannedStage,
  manifest: Manifest | undefined,
  { report }: RunOptions,
): StageResult {
  const { seconds = 0, metrics = {} } = manifest ?? {};
  report({
    type: 'stage-skipped',
    stage: node.id,
    metrics,
    seconds,
    ...(shared ? { from: shared.directory } : {}),
  });
  return { name: node.id, state: 'fresh', seconds, metrics };
}

class StageRun {
  readonly #plan: Plan;
  readonly #planned: PlannedStage;
  readonly #options: RunOptions;
  readonly #started = performance.now();
  #summary: Record<string, unknown> = {};
  #engine: LoadedEngine | undefined;

  constructor(plan: Plan, planned: PlannedStage, options: RunOptions) {
    this.#plan = plan;
    this.#planned = planned;
    this.#options = options;
  }

  async run(): Promise<StageResult> {
    const { node, reasons, fingerprint } = this.#planned;
    const { folder } = this.#plan;
    this.#options.report({ type: 'stage-started', stage: node.id, reasons });
    const { directory, seconds: earlier } = await folder.openWork(node.id, fingerprint);
    const elapsed = () => earlier + (performance.now() - this.#started) / 1000;
    try {
      await node.stage.run(await this.#context(directory));
    } catch (error) {
      // On a full disk not even this can be written, and it does not matter.
      await folder.noteTime(node.id, fingerprint, elapsed()).catch(() => {});
      // Where the disk failed, what was to be saved is not, signal or no signal.
      const shown =
        systemError(error, directory) ??
        (this.#options.signal.aborted ? interrupted(this.#options.command) : error);
      this.#options.report({ type: 'stage-failed', stage: node.id, error: shown });
      throw shown;
    }
    const seconds = elapsed();
    await writeFileWhole(join(directory, 'config.yaml'), stringify(node.config));
    await folder.publish(node.id, this.#manifest(seconds));
    const metricsFile = join(folder.stage(node.id), 'metrics.jsonl');
    this.#options.report({
      type: 'stage-finished',
      stage: node.id,
      metrics: this.#summary,
      seconds,
      metricsFile,
    });
    return { name: node.id, state: 'done', seconds, metrics: this.#summary };
  }

  async #context(directory: string): Promise<StageContext<never, never, never>> {
    const { node } = this.#planned;
    const { folder, config } = this.#plan;
    const inputs: Record<string, unknown> = {};
    for (const [port, source] of Object.entries(node.inputs)) {
      inputs[port] = await kindOf(node.stage.inputs[port] as ArtifactKind | OptionalPort).open(
        sourceDirectory(source, folder),
      );
    }
    const outputs: Record<string, unknown> = {};
    for (const [port, kind] of Object.entries(node.stage.outputs as Record<string, ArtifactKind>)) {
      if (!node.stage.keepsOutputs) await rm(join(directory, port), { recursive: true, force: true });
      await mkdir(join(directory, port), { recursive: true });
      outputs[port] = await kind.create(join(directory, port));
    }
    const engine = async () => {
      this.#engine = await this.#options.loadEngine();
      return this.#engine;
    };
    const context = {
      config: node.config,
      inputs,
      outputs,
      engine,
      seed: node.seed,
      report: this.#report(directory),
      signal: this.#options.signal,
      checkpoints: join(directory, 'checkpoints'),
      resolvePath: (path: string) => resolve(config.directory, path),
    };
    return context as unknown as StageContext<never, never, never>;
  }

  #report(directory: string): StageReport {
    const stage = this.#planned.node.id;
    const { report } = this.#options;
    const [metricsFile, eventsFile] = [join(directory, 'metrics.jsonl'), join(directory, 'events.jsonl')];
    const noteProgress = progressNotes(join(directory, PROGRESS_FILE));
    return {
      progress: (progress) => {
        noteProgress(progress);
        report({ type: 'progress', stage, progress });
      },
      metrics: (metrics) => {
        appendFileSync(metricsFile, `${JSON.stringify(metrics)}\n`);
        report({ type: 'metrics', stage, metrics });
      },
      event: (event) => appendFileSync(eventsFile, `${JSON.stringify(event)}\n`),
      note: (text) => report({ type: 'note', stage, text }),
      warn: (text) => report({ type: 'warn', stage, text }),
      text: (text) => report({ type: 'text', stage, text }),
      summary: (results) => {
        this.#summary = { ...this.#summary, ...results };
      },
      rewind: (step) => {
        for (const file of [metricsFile, eventsFile]) rewindLines(file, step);
      },
    };
  }

  #manifest(seconds: number) {
    const { node, fingerprint, inputs, sources } = this.#planned;
    const outputs = Object.entries(node.stage.outputs as Record<string, ArtifactKind>).map(
      ([port, { name, formatVersion }]) => [port, { kind: name, formatVersion }],
    );
    return {
      formatVersion: MANIFEST_VERSION,
      stage: node.id,
      uses: node.stage.name,
      stageVersion: node.stage.version ?? 1,
      fingerprint,
      seed: node.seed,
      config: node.config,
      inputs,
      outputs: Object.fromEntries(outputs),
      sources,
      versions: {
        calm: this.#options.version,
        node: process.versions.node,
        ...(this.#engine ? { engine: this.#engine.name, ...this.#engine.versions } : {}),
      },
      seconds,
      finishedAt: new Date().toISOString(),
      metrics: this.#summary,
    };
  }
}

const PROGRESS_EVERY_MS = 2000;

/** Notes for `calm status` in another terminal how far a stage is, every other second. Where that fails the stage does not. */
function progressNotes(file: string): (progress: StageProgress) => void {
  let notedMs = Number.NEGATIVE_INFINITY;
  return (progress) => {
    if (performance.now() - notedMs < PROGRESS_EVERY_MS) return;
    notedMs = performance.now();
    try {
      writeFileSync(file, JSON.stringify(progress));
    } catch {
      // The disk is full, say; what matters will tell.
    }
  };
}

/** Keeps the lines of a file up to a step; a line cut short by a kill goes too. */
function rewindLines(file: string, step: number): void {
  if (!existsSync(file)) return;
  const kept = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => {
      try {
        return (JSON.parse(line) as { step: number }).step <= step;
      } catch {
        return false;
      }
    });
  writeFileSync(`${file}.partial`, kept.map((line) => `${line}\n`).join(''));
  renameSync(`${file}.partial`, file);
}

/** Whether an error only says that the user stopped the run. */
export function isInterruption(error: unknown): boolean {
  return error instanceof CalmError && error.code === 'CALM_INTERRUPTED';
}
