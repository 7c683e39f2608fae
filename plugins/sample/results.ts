/**
 * The results file of many prompts. A line is a prompt's own line with two fields more: `calm`, the settings
 * that its
 * samples were made with, and `samples`. By the first of them calm knows its own lines, and nothing else is
 * added to.
 */

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { appendFile, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  resultsArePrompts,
  resultsForeign,
  resultsMissingFolder,
  resultsNotAFile,
  resultsOfOtherPrompts,
  resultsOtherSettings,
} from 'calm-lm/errors';
import type { PromptLine } from './prompts.ts';

/** What samples depend on besides the prompt. */
export type Settings = Readonly<Record<string, string | number>>;

export class ResultsFile {
  readonly path: string;
  /** Prompts that the file has answered. */
  readonly numAnswered: number;
  readonly #settings: Settings;
  /** Bytes of its whole lines; undefined where there is nothing to cut off. */
  readonly #keepBytes: number | undefined;
  /** What is written before the next line. */
  #missing: string;

  private constructor(path: string, settings: Settings, { numAnswered, keepBytes, missing }: Found) {
    this.path = path;
    this.#settings = settings;
    this.numAnswered = numAnswered;
    this.#keepBytes = keepBytes;
    this.#missing = missing;
  }

  /**
   * Looks at what is there and touches nothing. What calm did not write itself, with these settings, is an
   * error.
   */
  static check(
    path: string,
    prompts: { readonly file: string; readonly lines: readonly PromptLine[] },
    settings: Settings,
  ): ResultsFile {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found) refuseOtherFiles(path, prompts.file);
    else if (!statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory())
      throw resultsMissingFolder(path, dirname(path));
    accessSync(found ? path : dirname(path), constants.W_OK);
    const heads = prompts.lines.map(({ text }) => headOf(text, settings));
    const bytes = found ? readFileSync(path) : Buffer.alloc(0);
    return new ResultsFile(path, settings, answeredIn(bytes, { path, prompts, heads, settings }));
  }

  /**
   * Brings the last line of a run that was cut short into order: completes it where only its end is missing,
   * or cuts it off.
   */
  async begin(): Promise<void> {
    if (this.#keepBytes !== undefined) await truncate(this.path, this.#keepBytes);
    if (this.#missing) await appendFile(this.path, this.#missing);
    this.#missing = '';
  }

  /** Adds an answer as a whole line, or not at all. */
  async append({ text }: PromptLine, samples: readonly unknown[]): Promise<void> {
    const before = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    try {
      await appendFile(this.path, `${headOf(text, this.#settings)}${JSON.stringify(samples)}}\n`);
    } catch (error) {
      await truncate(this.path, before).catch(() => {});
      throw error;
    }
  }
}

/** A line as far as it is known before its samples are made. */
function headOf(text: string, settings: Settings): string {
  return `${text.slice(0, -1)},"calm":${JSON.stringify(settings)},"samples":`;
}

function refuseOtherFiles(path: string, prompts: string): void {
  const [found, other] = [statSync(path, { bigint: true }), statSync(prompts, { bigint: true })];
  if (!found.isFile()) throw resultsNotAFile(path);
  // Also by another path: a link of either kind.
  if (found.ino === other.ino && found.dev === other.dev) throw resultsArePrompts(path);
}

interface Found {
  readonly numAnswered: number;
  readonly keepBytes?: number;
  readonly missing: string;
}

interface Expected {
  readonly path: string;
  readonly prompts: { readonly file: string; readonly lines: readonly PromptLine[] };
  readonly heads: readonly string[];
  readonly settings: Settings;
}

function answeredIn(bytes: Buffer, expected: Expected): Found {
  const keepBytes = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.toString('utf8', 0, keepBytes).split('\n').slice(0, -1);
  for (const [i, line] of lines.entries()) refuseOthers(line, i, expected, isObject(line));
  const numAnswered = lines.length;
  if (keepBytes === bytes.length) return { numAnswered, missing: '' };
  const rest = bytes.subarray(keepBytes);
  // What is the beginning of the line that comes next is overwritten by the same bytes.
  const isBeginning = Buffer.from(expected.heads[numAnswered] ?? '')
    .subarray(0, rest.length)
    .equals(rest);
  if (!isBeginning) refuseOthers(rest.toString('utf8'), numAnswered, expected, true);
  if (isObject(rest.toString('utf8'))) return { numAnswered: numAnswered + 1, missing: '\n' };
  return { numAnswered, keepBytes, missing: '' };
}

/** Refuses a line that is not calm's answer to the prompt of this number with these settings. */
function refuseOthers(
  line: string,
  i: number,
  { path, prompts, heads, settings }: Expected,
  isWhole: boolean,
): void {
  if (isWhole && heads[i] !== undefined && line.startsWith(heads[i])) return;
  const own = settingsIn(line);
  if (!own || !isWhole) throw resultsForeign(path, i + 1);
  if (!prompts.lines[i] || !line.startsWith(`${prompts.lines[i].text.slice(0, -1)},"calm":`))
    throw resultsOfOtherPrompts(path, i + 1, prompts.file);
  throw resultsOtherSettings(path, i + 1, differencesOf(own, settings));
}

/** The settings that a line of calm's states; undefined where it is none. */
function settingsIn(line: string): Settings | undefined {
  const stated = /,"calm":(\{[^{}]*\}),"samples":/.exec(line)?.[1];
  try {
    return stated ? (JSON.parse(stated) as Settings) : undefined;
  } catch {
    return undefined;
  }
}

function differencesOf(found: Settings, wanted: Settings): string[] {
  const keys = [...new Set([...Object.keys(wanted), ...Object.keys(found)])];
  return keys
    .filter((key) => found[key] !== wanted[key])
    .map((key) => `${key} ${found[key] ?? 'absent'} → ${wanted[key] ?? 'absent'}`);
}

function isObject(line: string): boolean {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  } catch {
    return false;
  }
}
