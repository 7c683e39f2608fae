/** How much a run says, and what stands at its end. */

import { dirname } from 'node:path';
import { Flags } from '@oclif/core';
import { type Plan, type Registry, type StageResult, wantedInputs } from '../pipeline/index.ts';
import type { AnyStage } from '../plugin/index.ts';
import {
  columnsOf,
  type Detail,
  type EndedStage,
  formatAnswer,
  formatRun,
  formatSweep,
} from '../reporting/index.ts';
import { Run } from '../runs/index.ts';
import { calmHere } from './calm-here.ts';
import { shownPath } from './shown-path.ts';
import { quoted } from './workspace.ts';

export const detailFlags = {
  verbose: Flags.boolean({
    description: 'say everything: reasons, loss curves, every number',
    exclusive: ['quiet'],
  }),
  quiet: Flags.boolean({ char: 'q', description: 'say nothing but errors, and the folder at the end' }),
};

export function detailOf({ verbose, quiet }: Readonly<Record<string, unknown>>): Detail {
  return quiet ? 'quiet' : verbose ? 'verbose' : 'normal';
}

/** What a run ends with: its folder alone, the answer, or the answer and every number. */
export async function endOf(
  plan: Plan,
  registry: Registry,
  results: readonly StageResult[],
  detail: Detail,
): Promise<string> {
  const run = await Run.open(plan.folder.directory);
  const folder = shownPath(run.folder.directory);
  if (detail === 'quiet') return folder;
  const stages = results.map((result): EndedStage => {
    const planned = plan.stages.find(({ node }) => node.id === result.name) as EndedStage['planned'];
    return { result, planned, manifest: run.stage(result.name)?.manifest };
  });
  const next = nextCommands(plan, registry, stages, folder);
  const options = { folder, next, columns: columnsOf(process.stdout) };
  const answer =
    plan.cells.length > 1 ? formatSweep(plan.cells, stages, options) : formatAnswer(stages, options);
  // Apart from what the terminal shows of the stages.
  if (process.stdout.isTTY && results.some(({ state }) => state === 'done')) process.stderr.write('\n');
  return detail === 'verbose' ? `${answer}\n\n${formatRun(results)}` : answer;
}

/** What can be done with the run now: ask it something, see it whole, find it again. */
function nextCommands(
  plan: Plan,
  registry: Registry,
  stages: readonly EndedStage[],
  folder: string,
): string[] {
  const asking = plan.cells.length > 1 ? undefined : stageThatAsks(registry, stages);
  const run = quoted(folder);
  return [
    ...(asking ? [[asking.name, run, ...(asking.example ? [asking.example] : [])].join(' ')] : []),
    `report ${run}`,
    `ls ${quoted(shownPath(dirname(plan.folder.directory)))}`,
  ]
    .slice(0, 2)
    .map((words) => `${calmHere()} ${words}`);
}

/** A stage that is asked about what this run has made. */
function stageThatAsks(registry: Registry, stages: readonly EndedStage[]): AnyStage | undefined {
  const kinds = stages.flatMap(({ manifest }) =>
    Object.values(manifest?.outputs ?? {}).map(({ kind }) => kind),
  );
  return registry
    .list()
    .map(({ stage }) => stage)
    .find(
      (stage) =>
        stage.isInteractive &&
        wantedInputs(stage).some(({ kind, isOptional }) => !isOptional && kinds.includes(kind)),
    );
}
