/**
 * What lies in a folder of somebody who has no configuration yet: texts that a corpus can be made of, and
 * files that can't be read, each with its reason. Nothing that is found is an error.
 */

import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CalmError, messageOf } from '../../errors.ts';
import { lookAt } from '../corpus.ts';
import { unpackedName } from '../formats/compressions.ts';
import type { CorpusFile, FormatProblem } from '../formats/format.ts';
import { textFieldOf } from './text-field.ts';

/** A file that no one reads here. */
export interface UnreadFile extends FormatProblem {
  readonly path: string;
}

export interface FoundTexts {
  /** By path. */
  readonly texts: readonly CorpusFile[];
  readonly unread: readonly UnreadFile[];
  /** What is no prose: by its name, as code, markup and a README, or as a table of numbers. */
  readonly aside: readonly string[];
  /** Folders that were not looked into: packages, runs, models, links. Hidden ones are not among them. */
  readonly skipped: readonly string[];
  /** Whether there are more files than were looked at. */
  readonly isCut: boolean;
}

/** More files are not looked at: somebody has started in their home folder. */
const MOST_FILES = 20_000;

/** Endings of files of text that are taken without being named. Records are known by what they hold. */
const PROSE = new Set(['txt', 'text', 'md', 'markdown', 'rst', 'org', 'adoc', 'asciidoc', 'tex']);

/** Formats of files that hold numbers as often as texts. */
const TABLES = new Set(['csv', 'parquet', 'json-array']);
/** The mean of a table's longest column in characters, if none is called `text`; names are shorter. */
const SHORTEST_PROSE = 24;

/** What a project has beside its texts. */
const OF_PROJECT =
  /^((readme|licen[cs]e|requirements)([-_.].*)?|(copying|notice|change(s|log)|contributing|code_of_conduct|security|authors|robots|cmakelists)(\.[a-z]+)?)$/i;
const PROJECT_JSON = /^(package(-lock)?|[tj]sconfig.*|composer|biome|deno|\..*)\.jsonc?$/i;

const SKIPPED_FOLDERS = new Set(['node_modules', '__pycache__', 'venv']);
/** A folder that holds one of these is a run, a model or an environment, and no folder of texts. */
const MARKS = ['run.json', 'model.safetensors', 'pytorch_model.bin', 'pyvenv.cfg'];

/** Looks at every file below a folder, hidden ones and those of projects left out. */
export async function findTexts(root: string): Promise<FoundTexts> {
  const found: Sorted = { texts: [], unread: [], aside: [], skipped: [] };
  const known = new Set<string>();
  let seen = 0;
  for (const path of filesBelow(root, found.skipped)) {
    if (seen === MOST_FILES) return { ...found, isCut: true };
    if (seen++ % 100 === 0) await nextTurn();
    const real = realPathOf(path);
    if (real === undefined || known.has(real)) continue;
    known.add(real);
    if (statSync(real).isDirectory()) found.skipped.push(path);
    else await sort(path, found);
  }
  return { ...found, isCut: false };
}

interface Sorted {
  readonly texts: CorpusFile[];
  readonly unread: UnreadFile[];
  readonly aside: string[];
  readonly skipped: string[];
}

async function sort(path: string, { texts, unread, aside }: Sorted): Promise<void> {
  const looked = await look(path);
  const name = unpackedName(basename(path));
  if ('problem' in looked) {
    if (!PROJECT_JSON.test(name)) unread.push({ path, ...looked });
    return;
  }
  const { isTerse, ...file } = looked;
  if (file.sizeBytes === 0) return;
  if (!isTerse && isTaken(name, file)) texts.push(file);
  else aside.push(path);
}

interface Looked extends CorpusFile {
  /** Whether its texts are too short for prose, as in a table of numbers. */
  readonly isTerse: boolean;
}

/** A file as a corpus has it, or why it is not read. */
async function look(path: string): Promise<Looked | FormatProblem> {
  try {
    const looked = await lookAt(path, { documents: 'file', textField: 'text' });
    if ('problem' in looked) return looked;
    const { name: textField, meanLength } = await textFieldOf(looked);
    const isProse = meanLength >= (textField === 'text' ? 1 : SHORTEST_PROSE);
    return { ...looked, textField, isTerse: TABLES.has(looked.format) && !isProse };
  } catch (error) {
    return problemOf(error, path);
  }
}

/** An error as what is said after the file's name. */
export function problemOf(error: unknown, path: string): FormatProblem {
  const problem = messageOf(error)
    .replace(path, '')
    .replace(/^ \(corpus\)/, '')
    .replace(/\.+$/, '')
    .trim();
  return { problem, advice: (error instanceof CalmError && error.hint) || '' };
}

function isTaken(name: string, { format }: CorpusFile): boolean {
  if (format !== 'text') return true;
  return PROSE.has(extname(name).slice(1).toLowerCase()) && !OF_PROJECT.test(name);
}

/**
 * Everything below a folder that is no folder itself, by name; links to folders are taken for such.
 * @param skipped is told of folders that are not looked into
 */
function* filesBelow(folder: string, skipped: string[]): Generator<string> {
  const entries = entriesOf(folder).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (entries.some(({ name }) => MARKS.includes(name))) {
    skipped.push(folder);
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (!entry.isDirectory()) yield path;
    else if (SKIPPED_FOLDERS.has(entry.name)) skipped.push(path);
    else yield* filesBelow(path, skipped);
  }
}

/** What a folder holds; nothing where it can't be read. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Undefined for a link that leads nowhere. */
function realPathOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
