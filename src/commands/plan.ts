import { Flags } from '@oclif/core';
import { needsOf, type Plan } from '../pipeline/index.ts';
import { formatTable } from '../reporting/terminal/table.ts';
import { BaseCommand, configArgs, configFlags, selectionFlags } from './base-command.ts';
import { shownPath } from './shown-path.ts';
import { planFor } from './workspace.ts';

export default class PlanCommand extends BaseCommand {
  static override summary = 'Show what a run would do, and why.';
  static override examples = [
    'calm plan configs/quickstart.yaml',
    'calm plan --set seed=2',
    'calm plan --mermaid',
  ];
  static override args = configArgs;
  static override flags = {
    ...configFlags,
    ...selectionFlags,
    mermaid: Flags.boolean({ description: 'print the graph for Mermaid' }),
  };

  override async run() {
    const { args, flags } = await this.parse(PlanCommand);
    const { plan } = await planFor(this.config, { args, flags }, flags);
    this.say(flags.mermaid ? formatMermaid(plan) : formatPlan(plan));
    return {
      run: plan.folder.directory,
      stages: plan.stages.map(({ node, state, reasons, fingerprint, inputs }) => ({
        name: node.id,
        uses: node.stage.name,
        state,
        reasons,
        fingerprint,
        inputs,
      })),
    };
  }
}

/** One row a stage, in the order of the run. */
export function formatPlan(plan: Plan): string {
  const rows = plan.stages.map(({ node, state, reasons }) => [
    node.id,
    state,
    needsOf(node).join(', '),
    reasons.join('; '),
  ]);
  return `${shownPath(plan.folder.directory)}\n${formatTable(['stage', 'state', 'needs', 'why'], rows)}`;
}

function formatMermaid({ stages }: Plan): string {
  const edges = stages.flatMap(({ node }) =>
    Object.entries(node.inputs).flatMap(([port, source]) =>
      source.type === 'stage' ? [`  ${source.id} -- ${port} --> ${node.id}`] : [],
    ),
  );
  return [
    'flowchart LR',
    ...stages.map(({ node, state }) => `  ${node.id}["${node.id} (${state})"]`),
    ...edges,
  ].join('\n');
}
