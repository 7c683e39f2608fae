import { statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { Flags } from '@oclif/core';
import { noRunNamed } from '../errors.ts';
import { targetFile } from '../paths.ts';
import { applyOverrides, checkConfig, type ReportConfig, readConfig } from '../pipeline/index.ts';
import {
  comparisonSection,
  htmlPage,
  markdownPage,
  type ReportSection,
  sectionOf,
  valuesOf,
} from '../reporting/index.ts';
import { BaseCommand, configFlags } from './base-command.ts';
import { openLabelledRuns } from './labelled-runs.ts';

export default class Report extends BaseCommand {
  static override summary = 'Write one page on runs: tables and plots, the paper’s numbers beside ours.';
  static override description =
    'Numbers, loss curves, samples, cost and configuration of each run; first what `report:` of its ' +
    'configuration asks for. Several runs are put side by side: what differs in them, their results, ' +
    'their curves. The page holds its plots and needs no network.';
  static override examples = [
    'calm report runs/paper-heads runs/paper-input',
    'calm report configs/paper/heads.yaml --markdown docs/heads.md',
  ];
  static override strict = false;
  static override args = {};
  static override flags = {
    set: configFlags.set,
    output: Flags.string({ char: 'o', description: 'HTML file', default: 'report.html', helpValue: 'FILE' }),
    markdown: Flags.string({
      description: 'Markdown file instead; plots go into a folder of its name beside it',
      helpValue: 'FILE',
    }),
    title: Flags.string({ description: 'heading of the page', default: 'Report' }),
  };

  override async run() {
    const { argv, flags } = await this.parse(Report);
    if (argv.length === 0) throw noRunNamed();
    const file = targetFile(flags.markdown ?? flags.output);
    const sections: ReportSection[] = [];
    const values = [];
    const runs = await openLabelledRuns(this.config, argv as string[], flags.set);
    if (runs.length > 1) sections.push(await comparisonSection(runs.map(({ run }) => run)));
    for (const { named, run } of runs) {
      const stated = await statedReport(named, flags.set);
      sections.push(await sectionOf(run, stated, runs.length > 1));
      values.push({ run: run.name, ...valuesOf(run, stated) });
    }
    await mkdir(dirname(file), { recursive: true });
    await (flags.markdown
      ? writeMarkdown(file, flags.title, sections)
      : writeFile(file, htmlPage(flags.title, sections)));
    this.say(file);
    return { file, runs: values };
  }
}

/**
 * What a configuration file says of the report now; undefined where a run folder is named, which remembers
 * it.
 */
async function statedReport(named: string, set: readonly string[]): Promise<ReportConfig | undefined> {
  if (statSync(named, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const document = await readConfig(named, process.cwd());
  if (document.runFolder) return undefined;
  return checkConfig(applyOverrides(document, set)).report;
}

async function writeMarkdown(file: string, title: string, sections: readonly ReportSection[]): Promise<void> {
  const folder = extname(file) ? basename(file, extname(file)) : `${basename(file)}-plots`;
  const { text, files } = markdownPage(title, sections, folder);
  if (files.size > 0) await mkdir(join(dirname(file), folder), { recursive: true });
  for (const [name, svg] of files) await writeFile(join(dirname(file), folder, name), svg);
  await writeFile(file, text);
}
