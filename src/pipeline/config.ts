/**
 * Run configurations: found, parsed with places kept for errors, and checked down to the stages' own fields.
 */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { cosmiconfig } from 'cosmiconfig';
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import { elementAt } from '../elements.ts';
import {
  configInvalid,
  configNotFound,
  configSyntax,
  configUnknownKey,
  messageOf,
  nearestOf,
  noConfig,
  notRegularFile,
  type SourceLocation,
  systemError,
} from '../errors.ts';
import { resolvePath } from '../paths.ts';
import { readRecord } from '../runs/index.ts';
import { applyCell, cellsOf, type Labels, type Matrix, matrixSchema } from './matrix.ts';
import { type ReportConfig, reportConfig } from './report-config.ts';

const SEARCH_PLACES = [
  'calm.yaml',
  'calm.yml',
  'calm.json',
  '.calmrc',
  '.calmrc.yaml',
  '.calmrc.json',
  'package.json',
];

/** The name of a stage in one configuration; also its folder's. */
const stageId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'a stage id may hold letters, digits, - and _');

/** One stage as written: `uses` and `inputs` belong to the pipeline, every other key to the stage. */
const stageEntry = z.looseObject({
  uses: z.string().optional().describe('The stage to run; the key itself where absent.'),
  inputs: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Port → id of another stage, id.port, or ./path of an artifact folder. Ports that are left out ' +
        'are wired by kind.',
    ),
});

/** The run configuration without the stages' own fields. */
export const runConfigSchema = z.strictObject({
  extends: z
    .string()
    .optional()
    .describe('A configuration that this one adds to or changes, relative to this file.'),
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a run name may hold letters, digits, ., - and _')
    .optional()
    .describe('Name of the run and of its folder; the file name where absent.'),
  seed: z.int().nonnegative().default(0).describe('Every random number of the run follows from it.'),
  engine: z
    .string()
    .default('auto')
    .describe(
      'What computes. `auto` takes the first engine that works here; `calm engine list` shows all of them.',
    ),
  precision: z
    .enum(['f32', 'bf16', 'auto'])
    .default('f32')
    .describe(
      'Of the factors of matrix products: bf16 rounds them where the engine can (node, node-gpu), which is ' +
        'faster on processors with AMX or AVX512-BF16; `auto` measures once which is faster.',
    ),
  output: z.string().default('runs').describe('Folder of all runs, relative to where calm is started.'),
  plugins: z
    .array(z.string())
    .default([])
    .describe('Packages or files (./…) that bring further stages, heads, optimisers or corpus formats.'),
  matrix: matrixSchema.optional(),
  report: reportConfig.optional().describe('What `calm report` shows of this run.'),
  stages: z
    .record(
      stageId,
      stageEntry.nullable().transform((entry) => entry ?? {}),
    )
    .describe('Stage id → its configuration.'),
});

export interface StageEntry {
  /** The name of the stage in the registry. */
  readonly uses: string;
  /** Wiring that was given by hand. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The stage's own fields as written, unchecked. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface RunConfig {
  readonly name: string;
  readonly seed: number;
  readonly engine: string;
  readonly precision: 'f32' | 'bf16' | 'auto';
  readonly output: string;
  readonly plugins: readonly string[];
  readonly stages: Readonly<Record<string, StageEntry>>;
  readonly matrix?: Matrix;
  readonly report?: ReportConfig;
  /** One configuration for each combination of the matrix; this one alone where there is none. */
  readonly cells: readonly { readonly labels: Labels; readonly config: RunConfig }[];
  /** The file that it came from. */
  readonly file: string;
  /** Paths of the configuration are relative to this folder. */
  readonly directory: string;
  /** Where the run is made, absolute. */
  readonly folder: string;
  /** The place of a key, for errors. */
  readonly locate: (path: readonly PropertyKey[]) => SourceLocation;
}

/** A configuration as plain data, before it is checked, with its places. */
export interface ConfigDocument {
  readonly file: string;
  readonly directory: string;
  /** `output` is relative to this folder. */
  readonly outputBase: string;
  /** The run folder that was named; it is used wherever it lies and whatever it is called. */
  readonly runFolder?: string;
  readonly data: Record<string, unknown>;
  readonly locate: (path: readonly PropertyKey[]) => SourceLocation;
}

/**
 * Finds and parses a configuration: the named file or run folder, or the nearest calm.yaml (cosmiconfig's
 * rules).
 * The run of a file that is named is made below the working directory, of one that is found beside that file.
 */
export async function readConfig(
  named: string | undefined,
  workingDirectory: string,
): Promise<ConfigDocument> {
  if (named === undefined) {
    const file = await findConfig(workingDirectory);
    return { ...parseConfig(file, readConfigText(file)), outputBase: dirname(file) };
  }
  const file = configFileOf(resolvePath(workingDirectory, named));
  const document = { ...parseConfig(file, readConfigText(file)), outputBase: workingDirectory };
  const record = basename(file) === 'config.yaml' ? await readRecord(dirname(file)) : undefined;
  return record ? { ...document, directory: record.directory, runFolder: dirname(file) } : document;
}

/** A larger file is no configuration. */
const LARGEST_CONFIG = 4 * 2 ** 20;

function readConfigText(file: string): string {
  try {
    const stats = statSync(file);
    const { size } = stats;
    // What a shell hands over, as in `calm plan <(…)`, is a pipe that has a writer.
    const isHandedOver = stats.isFIFO() && /^\/(dev|proc)\//.test(file);
    if (!stats.isFile() && !stats.isDirectory() && !isHandedOver) throw notRegularFile(file);
    if (size <= LARGEST_CONFIG) return readFileSync(file, 'utf8');
    const problem = `A configuration has at most ${LARGEST_CONFIG} bytes, and this has ${size}.`;
    throw configSyntax({ file }, problem);
  } catch (error) {
    throw systemError(error, file) ?? error;
  }
}

function configFileOf(path: string): string {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'config.yaml') : path;
  if (!existsSync(file)) throw configNotFound(file, neighbourOf(file));
  return file;
}

/** What lies beside a path that is not there, and is called almost like it. */
function neighbourOf(file: string): string | undefined {
  const folder = dirname(file);
  const names = existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : [];
  const stemOf = (path: string) => basename(path, extname(path));
  const near = nearestOf(stemOf(file), names.map(stemOf));
  const name = names.find((other) => stemOf(other) === near);
  return name && join(folder, name);
}

async function findConfig(workingDirectory: string): Promise<string> {
  const loadNothing = () => ({});
  const loaders = Object.fromEntries(
    ['.yaml', '.yml', '.json', 'noExt'].map((extension) => [extension, loadNothing]),
  );
  const explorer = cosmiconfig('calm', {
    searchPlaces: SEARCH_PLACES,
    stopDir: resolve('/'),
    // cosmiconfig takes the key `calm` out of package.json; a file that is no JSON has none.
    loaders: { ...loaders, '.json': (file: string, text: string) => packageOf(file, text) },
  });
  const found = await explorer.search(workingDirectory);
  if (!found) throw noConfig(workingDirectory);
  return found.filepath;
}

function packageOf(file: string, text: string): unknown {
  try {
    return basename(file) === 'package.json' ? JSON.parse(text) : {};
  } catch {
    return {};
  }
}

/**
 * Parses a configuration and what it `extends`: records are merged key by key, everything else is replaced,
 * and so are `matrix` and `report`. Paths of the configuration stay relative to
 * the file that is run.
 */
export function parseConfig(file: string, text: string, above: readonly string[] = []): ConfigDocument {
  const own = parseOne(file, text);
  const { extends: named, ...data } = own.data;
  if (named === undefined) return own;
  if (typeof named !== 'string')
    throw configInvalid(own.locate(['extends']), 'extends', 'must be the path of a configuration');
  const base = resolve(dirname(file), named);
  if (!existsSync(base)) throw configInvalid(own.locate(['extends']), 'extends', `there is no file ${base}`);
  if ([...above, file].includes(base))
    throw configInvalid(own.locate(['extends']), 'extends', `${base} extends itself`);
  const inherited = parseConfig(base, readConfigText(base), [...above, file]);
  const isOwn = (path: readonly PropertyKey[]) => path.length === 0 || hasPath(data, path);
  const { matrix, report, ...rest } = inherited.data;
  const replaced = {
    ...('matrix' in data || !matrix ? {} : { matrix }),
    ...('report' in data || !report ? {} : { report }),
  };
  return {
    ...own,
    data: { ...merge(rest, data), ...replaced },
    locate: (path) => (isOwn(path) ? own : inherited).locate(path),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(base: Record<string, unknown>, own: Record<string, unknown>): Record<string, unknown> {
  const merged = Object.entries(own).map(([key, value]) => [
    key,
    isRecord(base[key]) && isRecord(value) ? merge(base[key], value) : value,
  ]);
  return { ...base, ...Object.fromEntries(merged) };
}

function hasPath(data: unknown, [first, ...rest]: readonly PropertyKey[]): boolean {
  if (first === undefined) return true;
  return (
    typeof data === 'object' &&
    data !== null &&
    first in data &&
    hasPath((data as Record<PropertyKey, unknown>)[first], rest)
  );
}

/**
 * Parses YAML (or JSON, which is YAML). Its duplicate keys, tabs and the like are errors with line and
 * column; no tag runs code.
 */
function parseOne(file: string, text: string): ConfigDocument {
  const lines = new LineCounter();
  const document = unlessAbsurd(file, () =>
    parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true }),
  );
  const locationAt = (offset: number | undefined): SourceLocation => {
    if (offset === undefined) return { file };
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const [problem] = document.errors;
  if (problem) throw configSyntax(locationAt(problem.pos[0]), problem.message);
  const isPackage = basename(file) === 'package.json';
  const plain = unlessAbsurd(file, () => document.toJS() as unknown);
  const data = (isPackage ? (plain as { calm: unknown }).calm : plain) ?? {};
  if (typeof data !== 'object' || Array.isArray(data))
    throw configSyntax({ file, line: 1, column: 1 }, 'A configuration is a map of keys, and this is not.');
  const root = isPackage ? ['calm'] : [];
  const locate = (path: readonly PropertyKey[]) =>
    locationAt(offsetOf(document.contents, [...root, ...path]));
  const directory = dirname(file);
  return { file, directory, outputBase: directory, data: data as Record<string, unknown>, locate };
}

/** Aliases without end, and nesting that no stack holds, are errors of the file. */
function unlessAbsurd<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw configSyntax({ file }, `It can't be read: ${messageOf(error)}.`);
  }
}

/** The offset of the key (or, failing that, of the nearest thing around it). */
function offsetOf(contents: unknown, path: readonly PropertyKey[]): number | undefined {
  let node = contents as Node | null;
  let offset = node?.range?.[0];
  for (const segment of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : '') === String(segment));
      if (!pair) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else if (node && 'items' in (node as object)) {
      node = (node as unknown as { items: Node[] }).items[Number(segment)] ?? null;
      offset = node?.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}

/** What names plugins: they are loaded before the rest of a configuration is checked. */
export function pluginsOf({ data, directory, locate }: ConfigDocument) {
  const plugins = runConfigSchema.shape.plugins.safeParse(data.plugins);
  if (plugins.success) return { plugins: plugins.data, directory, locate };
  throw issueError(plugins.error.issues, locate, ['plugins'], 'The configuration', []);
}

/** Checks everything but the stages' own fields. */
export function checkConfig(document: ConfigDocument): RunConfig {
  const result = runConfigSchema.safeParse(document.data);
  if (!result.success)
    throw issueError(
      result.error.issues,
      document.locate,
      [],
      'The configuration',
      Object.keys(runConfigSchema.shape),
    );
  const { name, stages, ...rest } = result.data;
  const entries = Object.entries(stages).map(
    ([id, { uses, inputs, ...fields }]) => [id, { uses: uses ?? id, inputs: inputs ?? {}, fields }] as const,
  );
  const chosen = document.runFolder ? basename(document.runFolder) : (name ?? nameOf(document.file));
  const config: Omit<RunConfig, 'cells'> = {
    ...rest,
    name: chosen,
    stages: Object.fromEntries(entries),
    file: document.file,
    directory: document.directory,
    folder: document.runFolder ?? join(resolvePath(document.outputBase, rest.output), chosen),
    locate: document.locate,
  };
  if (!rest.matrix) return withItself(config);
  return {
    ...config,
    cells: cellsOf(rest.matrix).map((cell) => ({
      labels: cell.labels,
      config: checkConfig(applyCell(document, cell)),
    })),
  };
}

/** A configuration without a matrix is its own only cell. */
export function withItself(config: Omit<RunConfig, 'cells'>): RunConfig {
  const whole = { ...config, cells: [] as { labels: Labels; config: RunConfig }[] };
  whole.cells.push({ labels: {}, config: whole });
  return whole;
}

function nameOf(file: string): string {
  const stem = basename(file, extname(file));
  return stem === 'calm' || stem === 'package' || stem.startsWith('.') ? 'default' : stem;
}

/** What we read of a schema's issue: the standard's message and path, and zod's list of unknown keys. */
interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[];
  readonly code?: string;
  readonly keys?: readonly string[];
}

/**
 * The first issue of any Standard Schema as an error with its place. `available` are the keys that the schema knows
 * at its top.
 */
export function issueError(
  issues: readonly SchemaIssue[],
  locate: RunConfig['locate'],
  root: readonly PropertyKey[],
  place: string,
  available: readonly string[],
) {
  const issue = elementAt(issues, 0);
  const own = (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment));
  const path = [...root, ...own];
  const [unknown] = issue.code === 'unrecognized_keys' ? (issue.keys ?? []) : [];
  if (unknown !== undefined) {
    const where = own.length ? `${place} (${own.map(String).join('.')})` : place;
    return configUnknownKey(locate([...path, unknown]), where, unknown, own.length ? [] : available);
  }
  return configInvalid(locate(path), path.map(String).join('.'), issue.message);
}
