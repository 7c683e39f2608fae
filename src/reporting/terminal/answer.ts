/** The end of a run: what was made and where, how good it is, the texts, and what to do next. */

import { type PlannedStage, type StageResult, totalsOf } from '../../pipeline/index.ts';
import { inside, type Manifest } from '../../runs/index.ts';
import { formatCount, formatSeconds } from '../format.ts';
import { type Measured, measuredIn, measureTable, verdictLine } from './measures.ts';
import { textLines } from './texts.ts';
import { wrap, wrapCommand } from './width.ts';

/** A stage of the run that has ended, with its manifest. */
export interface EndedStage {
  readonly planned: PlannedStage;
  readonly result: StageResult;
  readonly manifest: Manifest | undefined;
}

export interface AnswerOptions {
  /** The run's folder as it is shown. */
  readonly folder: string;
  /** Commands to go on with, as they work here. */
  readonly next: readonly string[];
  readonly columns: number;
}

/** More measures than this are for --verbose. */
const MOST_MEASURES = 5;

/** Ten lines, as far as the terminal is wide enough, and the texts. */
export function formatAnswer(stages: readonly EndedStage[], options: AnswerOptions): string {
  const { folder, next, columns } = options;
  const measures = measuresOf(stages);
  const shown = measureTable(measures.slice(0, MOST_MEASURES), columns);
  const verdict = verdictLine(measures, columns);
  const more =
    measures.length > MOST_MEASURES ? [`  ${measures.length - MOST_MEASURES} more: --verbose`] : [];
  const texts = textsOf(stages, columns);
  return [
    wrap('✔ ', `${folder}: ${workOf(stages)}; ${madeBy(stages)}`, columns),
    ...(shown ? ['', shown, ...more] : []),
    ...(verdict ? [verdict] : []),
    ...texts.flatMap((text) => ['', text]),
    '',
    nextLines(next, columns),
  ].join('\n');
}

/** Next: the first command, and the others below it. */
export function nextLines(commands: readonly string[], columns: number): string {
  return commands
    .map((command, i) => wrapCommand(i === 0 ? 'Next: ' : '      ', command, columns))
    .join('\n');
}

/** language model of 201k parameters: the model that was made last, or else whatever was made. */
function madeBy(stages: readonly EndedStage[]): string {
  const models = stages.flatMap(({ manifest }) => {
    const { parameters } = totalsOf({ parts: manifest?.cost?.parts ?? [], trainingTokens: undefined });
    return parameters
      ? kindsIn(manifest).map((kind) => `${kind} of ${formatCount(parameters)} parameters`)
      : [];
  });
  const things = stages.flatMap(({ manifest }) => kindsIn(manifest));
  return models.at(-1) ?? [...new Set(things)].join(', ');
}

function kindsIn(manifest: Manifest | undefined): string[] {
  return Object.values(manifest?.outputs ?? {}).map(({ kind }) => kind.replaceAll('-', ' '));
}

/** 6 stages in 1:21; 2 of 6 stages in 4.2 s; up to date, nothing to do. */
export function workOf(stages: readonly EndedStage[]): string {
  const done = stages.filter(({ result }) => result.state === 'done');
  const number = stages.length === 1 ? 'one stage' : `${stages.length} stages`;
  if (done.length === 0) return 'up to date, nothing to do';
  const seconds = done.reduce((sum, { result }) => sum + result.seconds, 0);
  return `${done.length < stages.length ? `${done.length} of ` : ''}${number} in ${formatSeconds(seconds)}`;
}

/**
 * The numbers that stand for the run, of several stages the last one's. Where no stage names one, those that
 * have a label, or else the first that there are.
 */
function measuresOf(stages: readonly EndedStage[]): Measured[] {
  const headline = stages.flatMap((stage) => [
    ...measuredIn(labelsOf(stage), stage.result.metrics, ({ isHeadline }) => isHeadline === true),
    ...saidBy(stage),
  ]);
  if (headline.length) return [...new Map(headline.map((measure) => [measure.label, measure])).values()];
  const labelled = stages.flatMap((stage) => measuredIn(labelsOf(stage), stage.result.metrics));
  return labelled.length ? labelled : stages.flatMap(({ result }) => unlabelled(result));
}

const labelsOf = ({ planned }: EndedStage) => planned.node.stage.labels?.() ?? {};

/** What a stage without labels names as its headline. */
function saidBy({ manifest, planned }: EndedStage): Measured[] {
  if (planned.node.stage.labels) return [];
  return Object.entries(manifest?.headline ?? {}).map(([label, value]) => plain(label, value));
}

function unlabelled({ metrics }: StageResult): Measured[] {
  const numbers = Object.entries(metrics).filter(([name]) => name !== 'tokensPerSecond');
  return numbers.flatMap(([name, value]) => (typeof value === 'number' ? [plain(name, value)] : []));
}

const plain = (label: string, value: number): Measured => ({ label, values: [value], comparisons: [] });

/** What stages say is a list of texts, with the settings that they were written with. */
function textsOf(stages: readonly EndedStage[], columns: number): string[] {
  return stages.flatMap((stage) =>
    Object.entries(labelsOf(stage)).flatMap(([path, { label, texts }]) => {
      const found = texts ? inside(stage.result.metrics, path) : undefined;
      if (!texts || !Array.isArray(found) || found.length === 0) return [];
      const { config } = stage.planned.node;
      return [
        textLines(
          label,
          texts.settings.map((key) => [key, config[key]]),
          found,
          columns,
        ),
      ];
    }),
  );
}
