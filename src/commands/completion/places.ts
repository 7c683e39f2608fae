/** Runs, configurations and their stages, as far as they are near. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import type { Candidate } from './candidate.ts';

const CONFIG = /\.ya?ml$/;

/** Runs below the folder that is being typed, or in `runs/`; other folders lead on. */
export function runFolders(current: string): Candidate[] {
  const typed = entries(current).filter(isFolder);
  const near = current ? [] : entries('runs/').filter(isFolder);
  return [...near, ...typed].map(asRunOrFolder);
}

/** Likewise, and YAML files. */
export function configurations(current: string): Candidate[] {
  const files = entries(current).filter((path) => CONFIG.test(path) && !isFolder(path));
  return [...runFolders(current), ...files.map((value) => ({ value }))];
}

function asRunOrFolder(path: string): Candidate {
  return existsSync(join(path, 'run.json')) ? { value: path, summary: 'run' } : { value: `${path}/` };
}

/** What lies in the folder that a path names or leads into. */
function entries(path: string): string[] {
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const names = existsSync(folder || '.') ? readdirSync(folder || '.') : [];
  return names.filter((name) => !/^\.|^node_modules$/.test(name)).map((name) => `${folder}${name}`);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The stages of the configuration or run that a command line names, or of the nearest: id → what it uses. */
export function stageIds(words: readonly string[]): Record<string, string> {
  const named = words.find((word) => CONFIG.test(word) || existsSync(join(word, 'config.yaml')));
  const file = named === undefined ? nearest(process.cwd()) : fileOf(named);
  if (file === undefined || !existsSync(file)) return {};
  const { stages = {} } = (parse(readFileSync(file, 'utf8')) ?? {}) as { stages?: Record<string, Entry> };
  return Object.fromEntries(Object.entries(stages).map(([id, entry]) => [id, entry?.uses ?? id]));
}

type Entry = { readonly uses?: string } | null;

const fileOf = (path: string) => (isFolder(path) ? join(path, 'config.yaml') : path);

function nearest(folder: string): string | undefined {
  const file = join(folder, 'calm.yaml');
  if (existsSync(file)) return file;
  return dirname(folder) === folder ? undefined : nearest(dirname(folder));
}
