import { Flags } from '@oclif/core';
import { costNothing } from '../errors.ts';
import { costsOf, type ModelCost, totalsOf } from '../pipeline/index.ts';
import { formatCount } from '../reporting/format.ts';
import { formatTable } from '../reporting/terminal/table.ts';
import { BaseCommand, configArgs, configFlags } from './base-command.ts';
import { formatScaling, ranksListed, scalingFlags, scalingOf } from './scaling.ts';
import { openWorkspace } from './workspace.ts';

/** So many models are shown part by part without being asked. */
const FEW_MODELS = 3;

export default class Cost extends BaseCommand {
  static override summary = 'Parameters and FLOPs of the models that a configuration trains.';
  static override description =
    'Nothing is run. FLOPs are of matrix products and attention, for each token of text; a backward pass counts twice a ' +
    'forward one. Totals of parameters are without the frozen autoencoder, as in the paper.';
  static override examples = [
    'calm cost configs/paper/table-1.yaml',
    'calm cost configs/quickstart.yaml --parts',
    'calm cost configs/quickstart.yaml --json',
    'calm cost configs/paper/table-1.yaml --ranks 8,64,256 --rate 1000 --bandwidth 100',
  ];
  static override args = configArgs;
  static override flags = {
    ...configFlags,
    parts: Flags.boolean({
      allowNo: true,
      description: 'every part of every model; the default for a few models',
    }),
    ...scalingFlags,
  };

  override async run() {
    const { args, flags } = await this.parse(Cost);
    const { config, registry } = await openWorkspace(this.config, {
      ...flags,
      config: args.config ?? flags.config,
    });
    const costs = await costsOf(config, registry);
    if (costs.length === 0) throw costNothing(config.file);
    const models = costs.map((cost) => ({ ...cost, total: totalsOf(cost) }));
    if (flags.parts ?? models.length <= FEW_MODELS)
      for (const cost of models) this.say(`${nameOf(cost)}\n${partsTable(cost)}\n`);
    this.say(totalsTable(models));
    if (flags.ranks === undefined) return { models };
    const scaling = scalingOf(models, ranksListed(flags.ranks), flags);
    for (const each of scaling) this.say(`\n${formatScaling(each, nameOf(each.cost))}`);
    return {
      models,
      scaling: scaling.map(({ cost: { labels, stage }, ...found }) => ({ labels, stage, ...found })),
    };
  }
}

function nameOf({ labels, stage }: ModelCost): string {
  return [...Object.values(labels), stage].join(' · ');
}

function partsTable({ parts }: ModelCost): string {
  const rows = parts.map(({ name, parameters, trainingFlops, inferenceFlops }) => [
    name,
    formatCount(parameters),
    formatCount(trainingFlops),
    formatCount(inferenceFlops),
  ]);
  return formatTable(['part', 'parameters', 'training FLOPs a token', 'inference FLOPs a token'], rows);
}

function totalsTable(
  models: readonly (ModelCost & { readonly total: ReturnType<typeof totalsOf> })[],
): string {
  const rows = models.map(({ total, ...cost }) => [
    nameOf(cost),
    formatCount(total.parameters),
    total.frozenParameters ? formatCount(total.frozenParameters) : '',
    formatCount(total.inferenceFlopsPerToken),
    formatCount(total.trainingFlopsPerToken),
    cost.trainingTokens === undefined ? '' : formatCount(cost.trainingTokens),
    total.trainingFlops === undefined ? '' : formatCount(total.trainingFlops),
  ]);
  return formatTable(
    [
      'model',
      'parameters',
      'frozen',
      'inference FLOPs a token',
      'training FLOPs a token',
      'tokens',
      'training FLOPs',
    ],
    rows,
  );
}
