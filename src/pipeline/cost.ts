/**
 * What the models of a configuration cost: the stages' own estimates, each told those of its inputs. Nothing
 * is run or read but the configuration.
 */

import { costUnknown } from '../errors.ts';
import { locate } from '../hub/index.ts';
import type { CostPart, Estimate } from '../plugin/index.ts';
import type { Run } from '../runs/index.ts';
import type { RunConfig } from './config.ts';
import { buildGraph, type StageNode } from './graph.ts';
import type { Labels } from './matrix.ts';
import type { Registry } from './registry.ts';

/** A model that a run trains. */
export interface ModelCost {
  /** The run, by the matrix's labels. */
  readonly labels: Labels;
  readonly stage: string;
  readonly parts: readonly CostPart[];
  readonly trainingTokens: number | undefined;
  /** See Estimate. */
  readonly step?: Estimate['step'];
}

/** One entry for each model of each run. */
export async function costsOf(config: RunConfig, registry: Registry): Promise<ModelCost[]> {
  const costs: ModelCost[] = [];
  for (const { labels, config: cell } of config.cells) {
    const estimates = await estimatesOf(await buildGraph(cell, registry), cell.directory);
    for (const [stage, { parts, trainingTokens, step }] of estimates)
      if (parts) costs.push({ labels, stage, parts, trainingTokens, ...(step ? { step } : {}) });
  }
  return costs;
}

/**
 * The estimates of stages that come in an order in which each follows what it needs.
 * @returns id → estimate
 */
export async function estimatesOf(
  nodes: readonly StageNode[],
  directory: string,
): Promise<Map<string, Estimate>> {
  const estimates = new Map<string, Estimate>();
  for (const { id, stage, config, inputs } of nodes) {
    const given = Object.entries(inputs).flatMap(([port, source]) => {
      const estimate = source.type === 'stage' ? estimates.get(source.id) : undefined;
      return estimate ? [[port, estimate] as const] : [];
    });
    const known = needed(id, Object.fromEntries(given));
    const estimate = await stage.estimate?.(config, known, (path: string) => locate(directory, path));
    if (estimate) estimates.set(id, estimate);
  }
  return estimates;
}

/** The costs of the models of a finished run, as its manifests have them. */
export function costsOfRun(run: Run): ModelCost[] {
  return run.cells.flatMap(({ labels, ids }) =>
    Object.entries(ids).flatMap(([stage, id]) => {
      const cost = run.stage(id)?.manifest?.cost;
      return cost ? [{ labels, stage, parts: cost.parts, trainingTokens: cost.trainingTokens }] : [];
    }),
  );
}

/** Inputs that complain by name where an estimate asks for one that says nothing. */
function needed(stage: string, estimates: Record<string, Estimate>): Record<string, Estimate> {
  const silent = (port: string): Estimate => ({
    facts: new Proxy(
      {},
      {
        get: (_, fact) => {
          throw costUnknown(stage, String(fact), port);
        },
      },
    ),
  });
  return new Proxy(estimates, { get: (all, port) => all[String(port)] ?? silent(String(port)) });
}

/** What a model costs as a whole; parameters of the frozen part stand apart. */
export function totalsOf({ parts, trainingTokens }: Pick<ModelCost, 'parts' | 'trainingTokens'>) {
  const { parameters, trainingFlops, inferenceFlops } = totalCost(parts);
  const frozen = totalCost(parts.filter(({ isFrozen }) => isFrozen)).parameters;
  return {
    parameters: parameters - frozen,
    frozenParameters: frozen,
    trainingFlopsPerToken: trainingFlops,
    inferenceFlopsPerToken: inferenceFlops,
    trainingFlops: trainingTokens === undefined ? undefined : trainingTokens * trainingFlops,
  };
}

/** Sums over the parts of a model. */
export function totalCost(parts: readonly CostPart[]): Omit<CostPart, 'name' | 'isFrozen'> {
  const sum = (key: 'parameters' | 'trainingFlops' | 'inferenceFlops') =>
    parts.reduce((total, part) => total + part[key], 0);
  return {
    parameters: sum('parameters'),
    trainingFlops: sum('trainingFlops'),
    inferenceFlops: sum('inferenceFlops'),
  };
}
