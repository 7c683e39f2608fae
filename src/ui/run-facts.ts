/** Runs as the page shows them. Reads what lies in their folders, and changes nothing. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { languageModelFolder } from '../artifacts/index.ts';
import { runMissing } from '../errors.ts';
import {
  compare,
  differenceTable,
  formatMeasure,
  legendOf,
  plainBlocks,
  resultTable,
} from '../reporting/index.ts';
import {
  foldersIn,
  isRunFolder,
  type Labels,
  type ListedRun,
  listRuns,
  Run,
  type RunStage,
} from '../runs/index.ts';
import { isHere } from './control.ts';
import type { ComparedRuns, RunDetail, RunLine, RunState, StageFacts } from './facts.ts';

/** The runs of a folder. */
export class RunsOfFolder {
  readonly directory: string;
  readonly #labelsOf: (uses: string) => Labels;

  /** @param labelsOf names of values of a stage, also of one that has not finished */
  constructor(directory: string, labelsOf: (uses: string) => Labels) {
    this.directory = directory;
    this.#labelsOf = labelsOf;
  }

  async list(): Promise<RunLine[]> {
    return (await listRuns(this.directory)).map(lineOf);
  }

  /** A run by its name. A name that no run in the folder has is an error, whatever path it would make. */
  async open(name: string): Promise<Run> {
    const directory = join(this.directory, name);
    if (!foldersIn(this.directory).includes(name) || !isRunFolder(directory)) throw runMissing(name);
    return (await Run.open(directory)).withLabels(this.#labelsOf);
  }

  async state(name: string): Promise<RunState> {
    return this.#stateOf(await this.open(name));
  }

  async detail(name: string): Promise<RunDetail> {
    const run = await this.open(name);
    const file = join(run.folder.directory, 'config.yaml');
    return {
      ...(await this.#stateOf(run)),
      ...plainBlocks(run),
      configuration: existsSync(file) ? readFileSync(file, 'utf8') : '',
      hasModel: run.artifacts.some(({ kind, isFinished }) => isFinished && kind === languageModelFolder.name),
    };
  }

  async compare(names: readonly string[]): Promise<ComparedRuns> {
    const runs = [];
    for (const name of names) runs.push(await this.open(name));
    const comparison = compare(runs);
    return {
      names,
      differences: differenceTable(comparison),
      results: resultTable(comparison),
      legend: legendOf(comparison),
      notes: comparison.notes,
    };
  }

  async #stateOf(run: Run): Promise<RunState> {
    const owner = run.folder.owner();
    const stages = await Promise.all(
      run.stages.map((stage) => this.#stageOf(run, stage, owner !== undefined)),
    );
    if (!owner) return { name: run.name, stages };
    return { name: run.name, process: { pid: owner.pid, host: owner.host, isHere: isHere(owner) }, stages };
  }

  async #stageOf({ folder }: Run, stage: RunStage, isOwned: boolean): Promise<StageFacts> {
    const { id, uses, inputs, manifest } = stage;
    const hasBegun = existsSync(join(folder.work(id), 'work.json'));
    const progress = hasBegun ? await folder.progress(id) : undefined;
    return {
      id,
      uses,
      state: hasBegun ? (isOwned ? 'at work' : 'stopped') : resultOf(stage),
      takes: [...new Set(Object.values(inputs))],
      ...(manifest ? { seconds: manifest.seconds } : {}),
      ...(progress ? { progress } : {}),
      curves: curvesOf({ ...this.#labelsOf(uses), ...manifest?.labels }),
    };
  }
}

function resultOf({ manifest, problem, isCurrent }: RunStage): StageFacts['state'] {
  if (problem) return 'broken';
  if (!manifest) return 'not run';
  return isCurrent ? 'done' : 'done with another configuration';
}

/** What is drawn of metrics.jsonl: the loss, and what labels say. */
function curvesOf(labels: Labels): Record<string, string> {
  const drawn = Object.entries(labels).filter(([, { isCurve }]) => isCurve);
  return {
    loss: labels.loss?.label ?? 'loss',
    ...Object.fromEntries(drawn.map(([key, { label }]) => [key, label])),
  };
}

function lineOf({ changedAt, spread, directory: _, headline: __, ...run }: ListedRun): RunLine {
  const headline = spread.map(({ name, isShare, least, greatest }) => ({
    name,
    value: [...new Set([least, greatest].map((value) => formatMeasure(value, isShare)))].join(' … '),
  }));
  return { ...run, changedAt: changedAt.getTime(), headline };
}
