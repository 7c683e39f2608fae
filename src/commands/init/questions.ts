/** The three questions of `calm init`, in a terminal. Loaded only where they are asked. */

import { isCancel, type Option, select, text } from '@clack/prompts';
import { initStopped, messageOf } from '../../errors.ts';
import { formatBytes } from '../../reporting/format.ts';
import { reportColumns } from '../../reporting/live-line.ts';
import { PACKAGED, type Survey, standardTokenizer, type Texts } from '../../setup/index.ts';
import { parseMinutes, STANDARD_CORPUS, STANDARD_MINUTES } from './standard.ts';

/** What to train on: everything that was found, one of its patterns, or something else. */
export type ChosenTexts =
  | { readonly of: 'all' }
  | { readonly of: 'found'; readonly source: Survey['sources'][number] }
  | { readonly of: 'named'; readonly corpus: string };

type TextsOption = ChosenTexts | { readonly of: 'other' };

/** So many patterns are offered one by one. */
const MOST_PATTERNS = 5;
const ALL = { of: 'all' } as const;

export async function askTexts({ sources, patterns, files, count }: Survey): Promise<ChosenTexts> {
  const named = (corpus: string) => ({ of: 'named', corpus }) as const;
  const found = sources.flatMap((source) => source.files.map((file) => ({ ...source, files: [file] })));
  const each = found.length > 1 && found.length <= MOST_PATTERNS ? found : [];
  const hint = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(count.bytes)}`;
  const all = { value: ALL, label: patterns.length === 1 ? patterns[0] : 'all of them', hint };
  const packaged = { value: named(PACKAGED.name), label: PACKAGED.title, hint: PACKAGED.size };
  const other = { value: { of: 'other' }, label: 'another file, folder or pattern' };
  const later = { value: named(STANDARD_CORPUS), label: `${STANDARD_CORPUS}: I bring them later` };
  const chosen = await ask(
    select<TextsOption>({
      message: files.length > 0 ? 'Which texts?' : 'There are no texts here. What is to be trained on?',
      options: [
        ...(files.length > 0 ? [all] : []),
        ...each.map((source, i) => ({ value: { of: 'found', source } as const, label: patterns[i] })),
        ...(files.length > 0 ? [other, packaged] : [packaged, other, later]),
      ] as Option<TextsOption>[],
    }),
  );
  if (chosen.of !== 'other') return chosen;
  return named((await askLine('Which file, folder or pattern?', isGiven)).trim());
}

const TIMES = [2, STANDARD_MINUTES, 15, 60];

export async function askMinutes(): Promise<number> {
  const chosen = await ask(
    select<number>({
      message: 'How long may `calm run` take?',
      initialValue: STANDARD_MINUTES,
      options: [
        ...TIMES.map((value) => ({ value, label: value < 60 ? `${value} minutes` : `${value / 60} hour` })),
        { value: 0, label: 'another time' },
      ],
    }),
  );
  return chosen || parseMinutes(await askLine('How many minutes?', isTime));
}

/** @returns `bytes`, `bpe` or a path */
export async function askTokenizer({ count }: Texts, minutes: number): Promise<string> {
  const standard = standardTokenizer(count.bytes, minutes);
  const option = (value: string, label: string) => ({
    value,
    label,
    ...(value === standard ? { hint: 'recommended' } : {}),
  });
  const chosen = await ask(
    select({
      message: 'Which tokenizer?',
      initialValue: standard,
      options: [
        option('bytes', 'bytes: each byte is a token; learns soonest'),
        option('bpe', 'BPE: words and pieces of words, learnt from the texts; wants more time and text'),
        option('', 'a tokenizer.json of yours'),
      ],
    }),
  );
  return chosen || (await askLine('Where is it?', isGiven)).trim();
}

const isGiven = (given = '') => (given.trim() ? undefined : 'A path, please.');

function isTime(given = ''): string | undefined {
  try {
    parseMinutes(given);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function askLine(message: string, validate: (given?: string) => string | undefined): Promise<string> {
  return ask(text({ message, validate }));
}

/** An answer; Ctrl-C and Escape end the command, and nothing is written. */
async function ask<Answer>(asked: Promise<Answer>): Promise<Exclude<Answer, symbol>> {
  const answer = await asked;
  if (isCancel(answer)) throw initStopped();
  return answer as Exclude<Answer, symbol>;
}

/** A terminal may say that it has no column, by which nothing can be wrapped. */
reportColumns(process.stdout);
