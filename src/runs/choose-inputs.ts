/**
 * Which artifacts of a run a stage is asked about: by kind, and where a run has several of a kind, by
 * descent.
 */

import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { isNonEmpty, type NonEmpty } from '../elements.ts';
import { inputNotFinished, inputNotInRun, inputSeveral, unknownStageId } from '../errors.ts';
import { readManifest } from './manifest.ts';
import type { Artifact, Run } from './run.ts';

export interface WantedInput {
  readonly port: string;
  readonly kind: string;
  readonly isOptional: boolean;
}

/** Port → artifact; an optional one that is not there is left out. */
export type ChosenInputs = Readonly<Record<string, Artifact>>;

interface Choice {
  /** The stage of the run that is meant: its artifacts, and those that it was made from. */
  readonly variant?: string | undefined;
  /** Whether a stage that has not finished will do, because its checkpoint is asked for. */
  readonly mayBeUnfinished?: boolean;
  /** Named in errors. */
  readonly stage: string;
}

/** Several artifacts for one input. */
interface Several {
  readonly port: string;
  readonly kind: string;
  readonly found: NonEmpty<Artifact>;
}

/** Chooses an artifact for every wanted input, or says what is missing or which of several is to be named. */
export async function chooseInputs(
  run: Run,
  wanted: readonly WantedInput[],
  choice: Choice,
): Promise<ChosenInputs> {
  const outcome = await tryToChoose(run, wanted, choice);
  if ('chosen' in outcome) return outcome.chosen;
  const { kind, found } = outcome.several;
  const makers = found.map(({ stage }) => stage);
  throw inputSeveral(choice.stage, kind, makers, await wayOut(run, wanted, choice, outcome.several));
}

/** What is to be typed to mean one of several; it was tried. */
async function wayOut(
  run: Run,
  wanted: readonly WantedInput[],
  choice: Choice,
  { port, found }: Several,
): Promise<string> {
  // A folder of another run is no stage of this one, but a stage that took it may do.
  const makers = found.map(({ stage }) => stage).filter((id) => run.stage(id));
  for (const variant of [...makers, ...run.stages.map(({ id }) => id)]) {
    const outcome = await tryToChoose(run, wanted, { ...choice, variant }).catch(() => undefined);
    if (outcome && 'chosen' in outcome && outcome.chosen[port]) return `--variant ${variant}`;
  }
  return `calm ${choice.stage} ${found[0].directory}`;
}

async function tryToChoose(
  run: Run,
  wanted: readonly WantedInput[],
  { variant, mayBeUnfinished = false, stage }: Choice,
): Promise<{ readonly chosen: ChosenInputs } | { readonly several: Several }> {
  if (variant !== undefined && !run.stage(variant))
    throw unknownStageId(
      variant,
      run.stages.map(({ id }) => id),
    );
  const scope = variant === undefined ? run.stages : run.upstreamOf(variant);
  const all = [...artifactsOf(run, scope), ...(await foldersTaken(scope))];
  const usable = all.filter(({ isFinished }) => isFinished || mayBeUnfinished);
  const candidates = new Map(
    wanted.map(({ port, kind }) => [port, usable.filter((artifact) => artifact.kind === kind)]),
  );
  narrowByDescent(run, candidates);
  const chosen: Record<string, Artifact> = {};
  for (const { port, kind, isOptional } of wanted) {
    const found = candidates.get(port) ?? [];
    const [only, another] = found;
    if (another && isNonEmpty(found)) return { several: { port, kind, found } };
    if (only) chosen[port] = only;
    else if (!isOptional) throw missing(run, all, stage, kind);
  }
  return { chosen };
}

function artifactsOf(run: Run, scope: Run['stages']): Artifact[] {
  const ids = new Set(scope.map(({ id }) => id));
  return run.artifacts.filter(({ stage }) => ids.has(stage));
}

/** Artifacts of other runs that stages of this one were made from, as far as they are still there. */
async function foldersTaken(scope: Run['stages']): Promise<Artifact[]> {
  const folders = new Set(scope.flatMap(({ inputs }) => Object.values(inputs).filter(isAbsolute)));
  const found = await Promise.all(
    [...folders].filter(existsSync).map(async (directory): Promise<Artifact[]> => {
      const manifest = await readManifest(dirname(directory)).catch(() => undefined);
      const port = basename(directory);
      const kind = manifest?.outputs[port]?.kind;
      return kind ? [{ stage: directory, port, kind, directory, isFinished: true, order: -1 }] : [];
    }),
  );
  return found.flat();
}

/** Of several candidates for one port, those that the only candidate of another was made from. */
function narrowByDescent(run: Run, candidates: Map<string, Artifact[]>): void {
  const settled = [...candidates.values()].filter(({ length }) => length === 1).flat();
  const related = new Set(
    settled.flatMap(({ stage }) =>
      run.upstreamOf(stage).flatMap(({ id, inputs }) => [id, ...Object.values(inputs)]),
    ),
  );
  for (const [port, found] of candidates) {
    const kept = found.filter(({ stage }) => related.has(stage));
    if (found.length > 1 && kept.length > 0) candidates.set(port, kept);
  }
}

function missing(run: Run, all: readonly Artifact[], stage: string, kind: string) {
  const unfinished = all.find((artifact) => artifact.kind === kind);
  if (!unfinished) return inputNotInRun(stage, kind, run.folder.directory);
  const checkpoints = join(run.folder.work(unfinished.stage), 'checkpoints');
  return inputNotFinished(stage, unfinished.stage, existsSync(checkpoints));
}
