/** `calm init` from its flags to the file: look, ask, measure, propose, write. */

import { constants, existsSync } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { configNotWritable, configThere, initStopped } from '../../errors.ts';
import { targetFile } from '../../paths.ts';
import type { Registry } from '../../pipeline/index.ts';
import { startLiveLine } from '../../reporting/live-line.ts';
import {
  configText,
  corpusValue,
  type Prepared,
  placeIn,
  prepare,
  readTexts,
  type Survey,
  sourceAt,
  surveyFolder,
  type Texts,
  textsOf,
  unfitted,
  type Wishes,
} from '../../setup/index.ts';
import { warn } from '../base-command.ts';
import { checkEngine } from '../workspace.ts';
import { STANDARD_CORPUS, STANDARD_MINUTES } from './standard.ts';
import {
  defaultsText,
  documentOf,
  foundText,
  headLines,
  nextText,
  nothingText,
  proposalText,
} from './telling.ts';

const packageJson = createRequire(import.meta.url)('calm-lm/package.json') as { version: string };

export interface InitOptions {
  readonly corpus?: string | undefined;
  readonly minutes?: number | undefined;
  readonly tokenizer?: string | undefined;
  readonly engine: string;
  readonly measure: boolean;
  readonly yes: boolean;
  readonly force: boolean;
  readonly isJson: boolean;
  /** Tells a person. */
  readonly say: (text: string) => void;
  readonly gatherStages: () => Promise<Registry>;
}

/** What the questions come to. */
type Answers = Pick<Wishes, 'minutes' | 'tokenizer'> & { readonly texts: Texts };

/** @returns what the command prints with --json */
export async function initialise(named: string, options: InitOptions): Promise<object> {
  const file = targetFile(named);
  await refuse(file, options);
  // Plugins may bring formats of texts.
  const registry = await options.gatherStages();
  const base = dirname(file);
  const survey = options.corpus === undefined ? await surveyFolder(process.cwd(), base) : undefined;
  const found = survey && foundText(survey, process.cwd());
  if (found) options.say(found);
  const answers = await answersTo(survey, base, options);
  if (typeof answers === 'string') return withoutTexts(file, answers, options);
  const prepared = await prepareHere(answers, base, registry, options);
  options.say(proposalText(prepared, answers.texts, answers.minutes));
  const head = headLines(prepared, answers.texts);
  const { corpus, stages } = prepared;
  await writeNew(file, await configText({ head, engine: options.engine, corpus, stages }), options);
  options.say(nextText(file, String(stages.sample?.prompt)));
  return { file, ...documentOf(prepared, answers.texts, survey) };
}

/** Says before any question what would keep the file from being written. */
async function refuse(file: string, { engine, force }: InitOptions): Promise<void> {
  if (engine !== 'auto') checkEngine(engine);
  if (existsSync(file) && !force) throw configThere(file);
  await access(existsSync(file) ? file : dirname(file), constants.W_OK).catch(
    (error: NodeJS.ErrnoException) => {
      throw error.code === 'EACCES' || error.code === 'EROFS' ? configNotWritable(file, error) : error;
    },
  );
}

/** What flags say, then what is asked for; a path or pattern where there is no text yet. */
async function answersTo(
  survey: Survey | undefined,
  base: string,
  options: InitOptions,
): Promise<Answers | string> {
  const isAsked = isInteractive(options);
  const questions = isAsked ? await import('./questions.ts') : undefined;
  const folder = process.cwd();
  const chosen = survey && (await questions?.askTexts(survey));
  const corpus = chosen?.of === 'named' ? chosen.corpus : options.corpus;
  const texts = await textsFor();
  if (!texts || texts.files.length === 0) return corpus ?? STANDARD_CORPUS;
  const { minutes = (await questions?.askMinutes()) ?? STANDARD_MINUTES } = options;
  const { tokenizer = await questions?.askTokenizer(texts, minutes) } = options;
  const defaults = isAsked ? '' : defaultsText(options);
  if (defaults) options.say(defaults);
  return { texts, minutes, tokenizer: tokenizer && placeIn(base, tokenizer, folder) };

  async function textsFor(): Promise<Texts | undefined> {
    if (chosen?.of === 'found') return textsOf(chosen.source, base);
    if (corpus === undefined) return survey;
    const warnings: string[] = [];
    const named = await readTexts(corpus, folder, base, (text) => warnings.push(text));
    if (named) warnings.forEach(warn);
    return named;
  }
}

function isInteractive({ yes, isJson }: InitOptions): boolean {
  const { TERM, CI } = process.env;
  return Boolean(process.stdin.isTTY && process.stdout.isTTY) && TERM !== 'dumb' && !CI && !yes && !isJson;
}

/** Measures as is asked for. Ctrl-C ends it, and nothing is left behind. */
async function prepareHere(
  { texts, ...wishes }: Answers,
  base: string,
  registry: Registry,
  { engine, measure, isJson }: InitOptions,
): Promise<Prepared> {
  if (!measure) return prepare(texts, { ...wishes, base, measuring: undefined }, registry);
  const { loadEngine } = await import('../../engine/index.ts');
  const stopped = new AbortController();
  const stop = () => stopped.abort(initStopped());
  let loaded: ReturnType<typeof loadEngine> | undefined;
  const measuring = {
    loadEngine: () => (loaded ??= loadEngine(engine, (error) => warn(error.message))),
    version: packageJson.version,
    signal: stopped.signal,
  };
  process.on('SIGINT', stop);
  const line = startLiveLine('measuring this machine by a few training steps', process.stderr, {
    isSilent: isJson,
  });
  try {
    return await prepare(texts, { ...wishes, base, measuring }, registry);
  } finally {
    line.stop();
    process.off('SIGINT', stop);
  }
}

/** A configuration for texts that are still to come. */
async function withoutTexts(file: string, corpus: string, options: InitOptions): Promise<object> {
  const [base, folder] = [dirname(file), process.cwd()];
  const { engine, tokenizer } = options;
  const value = corpusValue([sourceAt(corpus, folder, base)]);
  const stages = unfitted(tokenizer && placeIn(base, tokenizer, folder));
  await writeNew(file, await configText({ head: headLines(), engine, corpus: value, stages }), options);
  options.say(nothingText(file, corpus));
  return { file, corpus: value };
}

/** Writes; what has come meanwhile is not replaced unasked. */
async function writeNew(file: string, text: string, { force }: InitOptions): Promise<void> {
  await writeFile(file, text, { flag: force ? 'w' : 'wx' }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? configThere(file) : error;
  });
}
