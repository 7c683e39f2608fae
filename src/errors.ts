/**
 * Every message that a user can meet, one function each. An error says what is wrong, where (file:line:column, key) and the way out.
 * Codes are stable and can be matched by scripts; `--json` prints { error: { code, message, hint, location } }.
 */

import { closest } from 'fastest-levenshtein';

/** Where in a file something was found. Lines and columns count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

interface ErrorDetails {
  readonly hint?: string;
  readonly location?: SourceLocation;
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** An error that the user can do something about. Everything else that is thrown is a defect of ours. */
export class CalmError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly location: SourceLocation | undefined;
  readonly exitCode: number;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'CalmError';
    this.code = code;
    this.hint = details.hint;
    this.location = details.location;
    this.exitCode = details.exitCode ?? 1;
  }
}

export function formatLocation(location: SourceLocation): string {
  return [location.file, location.line, location.column].filter((part) => part !== undefined).join(':');
}

/** "Did you mean "steps"? Available: …" – the second half of every unknown-name error. */
export function suggest(name: string, available: readonly string[]): string {
  if (available.length === 0) return 'None is available.';
  const nearest = closest(name, available as string[]);
  const isNear = sharedLetters(name, nearest) >= 0.5;
  return `${isNear ? `Did you mean "${nearest}"? ` : ''}Available: ${[...available].sort().join(', ')}.`;
}

function sharedLetters(a: string, b: string): number {
  const letters = new Set(a.toLowerCase());
  const shared = [...new Set(b.toLowerCase())].filter((letter) => letters.has(letter)).length;
  return shared / Math.max(letters.size, new Set(b).size, 1);
}

// — configuration —

export const configNotFound = (file: string) =>
  new CalmError('CALM_CONFIG_NOT_FOUND', `There is no configuration at ${file}.`, {
    hint: 'Give the path of a YAML file or of a run folder, or write one with `calm init`.',
    location: { file },
  });

export const noConfig = (directory: string) =>
  new CalmError(
    'CALM_CONFIG_NONE',
    `No configuration was named, and none (calm.yaml, .calmrc, package.json#calm) is in ${directory} or above.`,
    {
      hint: 'Name one (`calm run configs/quickstart.yaml`) or write one with `calm init`.',
    },
  );

export const configSyntax = (location: SourceLocation, message: string) =>
  new CalmError('CALM_CONFIG_SYNTAX', message, {
    location,
    hint: 'Mend the YAML at this place; indentation and colons are the usual causes.',
  });

export const configInvalid = (location: SourceLocation, key: string, message: string) =>
  new CalmError('CALM_CONFIG_INVALID', `${key}: ${message}`, {
    location,
    hint: 'See the keys and their types with `calm schema`, or in the README of the stage.',
  });

export const configUnknownKey = (
  location: SourceLocation,
  place: string,
  key: string,
  available: readonly string[],
) =>
  new CalmError('CALM_CONFIG_UNKNOWN_KEY', `${place} has no key "${key}".`, {
    location,
    hint: suggest(key, available),
  });

export const overrideSyntax = (text: string) =>
  new CalmError('CALM_OVERRIDE_SYNTAX', `--set ${text} is not of the form path=value.`, {
    hint: 'For example --set train-lm.steps=500.',
  });

export const overrideUnknownPath = (path: string, segment: string, available: readonly string[]) =>
  new CalmError('CALM_OVERRIDE_UNKNOWN_PATH', `--set ${path}: there is no "${segment}".`, {
    hint: suggest(segment, available),
  });

export const matrixSyntax = (location: SourceLocation, path: string, available: readonly string[]) =>
  new CalmError('CALM_MATRIX_PATH', `matrix: "${path}" is no key of a stage.`, {
    location,
    hint: `Write stage.key, as in train-lm.head. ${suggest(path.split('.')[0], available)}`,
  });

export const duplicateCell = (axis: string, label: string) =>
  new CalmError('CALM_MATRIX_DUPLICATE', `matrix.${axis} has "${label}" twice.`, {
    hint: 'Every value of an axis must be another.',
  });

export const matrixVariants = (stage: string, variants: readonly string[]) =>
  new CalmError(
    'CALM_MATRIX_VARIANTS',
    `"${stage}" has several variants in this sweep: ${variants.join(', ')}.`,
    {
      hint: 'Name one as the stage to use: --variant NAME.',
    },
  );

export const costUnknown = (stage: string, fact: string, from: string) =>
  new CalmError(
    'CALM_COST_UNKNOWN',
    `${stage}: what it costs depends on ${fact} of "${from}", which says nothing of it.`,
    {
      hint: `Add the stage that makes "${from}" to the configuration.`,
    },
  );

export const costNothing = (file: string) =>
  new CalmError('CALM_COST_NOTHING', `${file} trains no model whose cost is known.`, {
    hint: 'Costs are told of train-autoencoder, train-lm and train-baseline.',
  });

export const noRunNamed = () =>
  new CalmError('CALM_REPORT_NOTHING', 'No run was named.', {
    hint: 'For example: calm report runs/quickstart',
  });

// — other models —

export const endpointUnreachable = (url: string, reason: string) =>
  new CalmError('CALM_ENDPOINT_UNREACHABLE', `${url} does not answer: ${reason}`, {
    hint: 'Is the server running, and is this its address (…/v1)?',
  });

export const endpointRefused = (url: string, status: number, text: string) =>
  new CalmError('CALM_ENDPOINT_REFUSED', `${url} answered ${status}: ${brief(text)}`, {
    hint:
      status === 401 || status === 403
        ? 'Put the key into the environment variable that apiKeyVariable names.'
        : 'The name of the model (--model) and the address are the usual causes.',
  });

export const endpointAnswer = (url: string, text: string) =>
  new CalmError('CALM_ENDPOINT_ANSWER', `${url} gave no completion: ${brief(text)}`, {
    hint: 'It must be a completions API: { choices: [{ text }] }.',
  });

function brief(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

// — heads —

export const headUnknown = (name: string, available: readonly string[]) =>
  new CalmError('CALM_HEAD_UNKNOWN', headProblem(name, available) ?? '', {
    hint: "A third party's head comes by a module in `plugins:` that calls registerHead().",
  });

/** Why a name is no head's; undefined where it is one's. */
export function headProblem(name: string, available: readonly string[]): string | undefined {
  return available.includes(name) ? undefined : `No head is called "${name}". ${suggest(name, available)}`;
}

export const headDuplicate = (name: string) =>
  new CalmError('CALM_HEAD_DUPLICATE', `Two modules register a head "${name}".`, {
    hint: 'Rename one, or remove its module from `plugins:`.',
  });

export const headOption = (head: string, option: string, known: readonly string[]) =>
  new CalmError('CALM_HEAD_OPTION', `The ${head} head has no option "${option}".`, {
    hint: known.length ? `It has ${known.join(', ')}.` : 'It takes one step and has none.',
  });

// — stages and the graph —

export const unknownStage = (name: string, available: readonly string[], location?: SourceLocation) =>
  new CalmError('CALM_STAGE_UNKNOWN', `No stage is called "${name}".`, {
    location,
    hint: `${suggest(name, available)} A third party's stage comes by \`plugins:\` in the configuration.`,
  });

export const unknownStageId = (id: string, available: readonly string[]) =>
  new CalmError('CALM_STAGE_NOT_IN_CONFIG', `The configuration has no stage "${id}".`, {
    hint: suggest(id, available),
  });

export const duplicateStage = (name: string, first: string, second: string) =>
  new CalmError('CALM_STAGE_DUPLICATE', `Two plugins register a stage "${name}": ${first} and ${second}.`, {
    hint: 'Remove one of them from `plugins:`, or uninstall it.',
  });

export const invalidStage = (source: string, problem: string) =>
  new CalmError('CALM_STAGE_INVALID', `${source} is not a stage that calm can run: ${problem}.`, {
    hint: 'A stage is what defineStage() of calm-lm/plugin returns; a plugin is what definePlugin() returns.',
  });

export const pluginNotLoaded = (name: string, cause: unknown, location?: SourceLocation) =>
  new CalmError('CALM_PLUGIN_NOT_LOADED', `The plugin "${name}" can't be loaded: ${messageOf(cause)}`, {
    cause,
    location,
    hint: 'Install it (npm install …) beside the configuration, or give the path of its file.',
  });

export const cyclicStages = (loop: readonly string[]) =>
  new CalmError('CALM_GRAPH_CYCLE', `Stages wait for each other: ${loop.join(' → ')}.`, {
    hint: 'Change one of their `inputs:` so that the graph has no loop.',
  });

export const missingInput = (stage: string, port: string, kind: string, makers: readonly string[]) =>
  new CalmError(
    'CALM_INPUT_MISSING',
    `Stage "${stage}" needs a ${kind} for its input "${port}", and no stage of this configuration makes one.`,
    {
      hint: `Add a stage that makes it (${makers.join(', ') || 'none is registered'}), or name a folder: inputs: { ${port}: ./runs/…/… }.`,
    },
  );

export const ambiguousInput = (stage: string, port: string, candidates: readonly string[]) =>
  new CalmError(
    'CALM_INPUT_AMBIGUOUS',
    `Input "${port}" of stage "${stage}" could come from ${candidates.join(' or ')}.`,
    {
      hint: `Say which: inputs: { ${port}: ${candidates[0]} }.`,
    },
  );

export const wrongWire = (stage: string, port: string, wanted: string, source: string, found: string) =>
  new CalmError(
    'CALM_INPUT_KIND',
    `Input "${port}" of stage "${stage}" wants a ${wanted}, but ${source} is a ${found}.`,
    {
      hint: 'Wire it to an output of the right kind; `calm stages` lists what each stage makes.',
    },
  );

export const unknownPort = (stage: string, port: string, available: readonly string[]) =>
  new CalmError('CALM_INPUT_UNKNOWN', `Stage "${stage}" has no input "${port}".`, {
    hint: suggest(port, available),
  });

export const inputNotReady = (stage: string, source: string) =>
  new CalmError(
    'CALM_INPUT_NOT_READY',
    `Stage "${stage}" needs the result of "${source}", which has not been run.`,
    {
      hint: `Run it first: calm run --until ${source}, or calm run for the whole chain.`,
    },
  );

// — runs and artifacts —

interface LockHolder {
  /** 0 where it is not known. */
  readonly pid: number;
  readonly host: string;
  /** Of one that is not on this machine: seconds since its last heartbeat. */
  readonly silentSeconds?: number;
}

/** "process 12 on somewhere, last heard of 3 s ago" */
export function lockHolder({ pid, host, silentSeconds }: LockHolder): string {
  const who = pid > 0 ? `process ${pid} on ${host}` : 'an unknown process';
  if (silentSeconds === undefined) return who;
  return `${who}, last heard of ${Math.max(0, Math.round(silentSeconds))} s ago`;
}

export const runLocked = (directory: string, owner: LockHolder) =>
  new CalmError('CALM_RUN_LOCKED', `Another calm (${lockHolder(owner)}) is working in ${directory}.`, {
    hint: `Wait for it, stop it, or choose another name: --set name=…. If no such process is there any more, remove ${directory}/.lock.`,
  });

export const artifactVersion = (file: string, kind: string, found: unknown, expected: number) =>
  new CalmError(
    'CALM_ARTIFACT_VERSION',
    `${file} is a ${kind} of format version ${String(found)}; this calm reads version ${expected}.`,
    {
      location: { file },
      hint: 'Make it again with this version (calm run --force …), or use the version of calm that wrote it.',
    },
  );

export const artifactBroken = (file: string, problem: string, cause?: unknown) =>
  new CalmError('CALM_ARTIFACT_BROKEN', `${file}: ${problem}.`, {
    cause,
    location: { file },
    hint: 'The file is damaged or not what its name says. Make it again: calm run --force --only <stage>.',
  });

export const artifactMissing = (file: string) =>
  new CalmError('CALM_ARTIFACT_MISSING', `${file} does not exist.`, {
    location: { file },
    hint: 'Run the stage that makes it first, or mend the path.',
  });

export const interrupted = (command: string) =>
  new CalmError('CALM_INTERRUPTED', 'Interrupted. Everything up to the last step is saved.', {
    hint: `Go on with: ${command}`,
    exitCode: 130,
  });

// — the machine —

/** What the system's errors mean and what can be done. */
const SYSTEM_ERRORS: Readonly<Record<string, readonly [code: string, problem: string, hint: string]>> = {
  ENOSPC: [
    'CALM_DISK_FULL',
    'the disk is full',
    'Make room (`calm gc` shows what nothing needs) and run the same command: it goes on from what is saved.',
  ],
  EDQUOT: [
    'CALM_DISK_FULL',
    'your quota of the disk is used up',
    'Make room (`calm gc` shows what nothing needs) and run the same command.',
  ],
  EIO: [
    'CALM_DISK_FAILED',
    'the disk can’t be read or written here',
    'Look at the disk (dmesg, smartctl). What was saved before is whole; run the same command again.',
  ],
  EROFS: ['CALM_NOT_WRITABLE', 'this file system can’t be written', 'Choose another folder: --set output=….'],
  EACCES: [
    'CALM_NOT_PERMITTED',
    'this is not permitted to you',
    'Mend the permissions, or choose another folder: --set output=….',
  ],
  EPERM: [
    'CALM_NOT_PERMITTED',
    'this is not permitted to you',
    'Mend the permissions, or choose another folder: --set output=….',
  ],
  EMFILE: ['CALM_TOO_MANY_FILES', 'too many files are open', 'Raise the limit: ulimit -n 4096.'],
  ENAMETOOLONG: ['CALM_NAME_TOO_LONG', 'no file can have so long a name', 'Mend the path.'],
  EISDIR: ['CALM_NOT_A_FILE', 'this is a folder, and a file is needed', 'Mend the path.'],
  ENOTDIR: ['CALM_NOT_A_FOLDER', 'this path leads through a file', 'Mend the path.'],
  ENOENT: [
    'CALM_FILE_GONE',
    'this does not exist',
    'Was it moved or removed while calm was at work? Run the same command again.',
  ],
};

/** An error of the operating system as the user's; undefined where it is none. @param place named where the error itself names no file */
export function systemError(error: unknown, place: string): CalmError | undefined {
  const { code, path, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  const known = syscall && code ? SYSTEM_ERRORS[code] : undefined;
  if (!known) return undefined;
  const file = path ?? place;
  return new CalmError(known[0], `${file}: ${known[1]} (${code}, ${syscall}).`, {
    cause: error,
    location: { file },
    hint: known[2],
  });
}

// — data —

export const noDocuments = (sources: readonly string[], directory: string) =>
  new CalmError('CALM_CORPUS_EMPTY', `No document was found in ${sources.join(', ')}.`, {
    hint: `Paths and globs are read relative to ${directory}. Check \`corpus\` of the tokenize stage.`,
  });

export const fileMissing = (file: string, role: string) =>
  new CalmError('CALM_FILE_MISSING', `${file} (${role}) does not exist.`, {
    location: { file },
    hint: 'Mend the path; it is read relative to the configuration file.',
  });

export const packageMissing = (name: string, directory: string) =>
  new CalmError(
    'CALM_PACKAGE_MISSING',
    `The npm package "${name}", named as a corpus, is not installed where ${directory} can see it.`,
    {
      hint: `npm install ${name}`,
    },
  );

export const badCorpusLine = (file: string, line: number, problem: string) =>
  new CalmError('CALM_CORPUS_LINE', `The line ${problem}.`, {
    location: { file, line },
    hint: 'Mend or remove the line, or let such lines be left out, counted and listed: onBadLine: skip.',
  });

export const corpusFileBroken = (file: string, problem: string, cause: unknown) =>
  new CalmError('CALM_CORPUS_FILE', `${file} can't be unpacked: ${problem}.`, {
    cause,
    location: { file },
    hint: 'The .gz is cut short or damaged; get it again, or take it out of the corpus.',
  });

export const corpusChanged = (file: string) =>
  new CalmError('CALM_CORPUS_CHANGED', `${file} changed while it was read.`, {
    location: { file },
    hint: 'Run the same command again once nothing writes to it.',
  });

export const notEnoughTokens = (what: string, found: number, needed: number) =>
  new CalmError('CALM_TOO_FEW_TOKENS', `The ${what} split has ${found} tokens, and ${needed} are needed.`, {
    hint: 'Use a larger corpus, a larger validationFraction, or fewer patches a sequence; split single-file corpora with `documents: paragraph`.',
  });

export const tokenizerInvalid = (file: string, cause: unknown) =>
  new CalmError(
    'CALM_TOKENIZER_INVALID',
    `${file} is not a tokenizer that can be read: ${messageOf(cause)}`,
    {
      cause,
      location: { file },
      hint: 'It must be a tokenizer.json as Hugging Face tokenizers writes it.',
    },
  );

export const unknownToken = (token: string, file: string) =>
  new CalmError('CALM_TOKEN_UNKNOWN', `The tokenizer ${file} has no token "${token}".`, {
    hint: 'Name its end-of-text token with `endOfTextToken` in the tokenize stage.',
  });

// — engines and models —

export const engineUnknown = (name: string, available: readonly string[]) =>
  new CalmError('CALM_ENGINE_UNKNOWN', `No engine is called "${name}".`, { hint: suggest(name, available) });

export const engineUnavailable = (name: string, packageName: string, cause: unknown) =>
  new CalmError(
    'CALM_ENGINE_UNAVAILABLE',
    `The engine "${name}" can't be used: ${messageOf(cause).split('\n')[0]}`,
    {
      cause,
      hint: `It needs ${packageName}, installed and working${name.startsWith('node') ? `: \`calm engine install ${name === 'node' ? 'cpu' : 'gpu'}\`` : ''}. \`engine: auto\` takes the best engine that is there; see \`calm doctor\`.`,
    },
  );

/** Where `auto` finds no engine that works. */
export const noEngine = (failures: readonly CalmError[]) =>
  new CalmError(
    'CALM_ENGINE_UNAVAILABLE',
    ['No engine works here.', ...failures.map(({ message }) => message)].join('\n  '),
    { hint: 'Run `npm ci` (or `npm install`) again where calm is installed; see `calm doctor`.' },
  );

export const engineInstallNeeds = (what: string, advice: string) =>
  new CalmError('CALM_ENGINE_INSTALL_NEEDS', `Installing this engine needs ${what}.`, { hint: `${advice}.` });

export const engineInstallFailed = (what: string, words: string) =>
  new CalmError(
    'CALM_ENGINE_INSTALL_FAILED',
    `The install stopped at ${what}:\n  ${words.replaceAll('\n', '\n  ')}`,
    {
      hint: 'What was installed before stands as it was. The same command goes on from what is downloaded and unpacked; `calm engine remove cpu|gpu` clears it away.',
    },
  );

export const promptsInvalid = (file: string, line: number) =>
  new CalmError(
    'CALM_PROMPTS',
    `Line ${line} of ${file} does not fit: each must be {"prompt": "…"}, and results must be of the same prompts in the same order.`,
    {
      location: { file, line },
      hint: 'Mend the line, or name another file of results.',
    },
  );

export const verifyFailed = (directory: string, problems: readonly string[]) =>
  new CalmError('CALM_VERIFY_FAILED', `${directory}: ${problems.join('; ')}`, {
    hint: 'Make it again: calm run … --only STAGE --force.',
  });

export const exportTargetExists = (directory: string) =>
  new CalmError('CALM_EXPORT_EXISTS', `${directory} is there already.`, {
    hint: 'Name another folder with --to, or remove it.',
  });

export const nothingToExport = () =>
  new CalmError('CALM_EXPORT_NOTHING', 'The run has neither a language model nor an autoencoder.', {
    hint: 'Run train-lm or train-autoencoder first.',
  });

export const configUnsupported = (file: string, key: string, value: unknown, expected: unknown) =>
  new CalmError(
    'CALM_CONFIG_UNSUPPORTED',
    `${file}: ${key} is ${JSON.stringify(value)}, and only ${JSON.stringify(expected)} is known here.`,
    {
      location: { file },
      hint: 'The model needs mathematics that this version does not have.',
    },
  );

export const ropeConflict = (
  file: string,
  [key, value]: readonly [string, unknown],
  [other, otherValue]: readonly [string, unknown],
) =>
  new CalmError(
    'CALM_ROPE_CONFLICT',
    `${file}: ${key} is ${JSON.stringify(value)}, but ${other} is ${JSON.stringify(otherValue)}.`,
    { location: { file }, hint: 'Leave the one that the model was trained with, and remove the other.' },
  );

export const notThisArchitecture = (directory: string, wanted: string, names: readonly string[]) =>
  new CalmError('CALM_ARCHITECTURE', `${directory} is not ${wanted}: its tensors are ${names.join(', ')} …`, {
    location: { file: directory },
    hint: 'Is it the folder of another model? An autoencoder and a language model are two folders.',
  });

export const weightsMissing = (directory: string, names: readonly string[]) =>
  new CalmError('CALM_WEIGHTS_MISSING', `${directory} has no weights.`, {
    location: { file: directory },
    hint: `One of these is looked for: ${names.join(', ')}.`,
  });

export const pickleRefused = (file: string, what: string) =>
  new CalmError('CALM_PICKLE_REFUSED', `${file} holds ${what}. Nothing of it was run.`, {
    location: { file },
    hint: 'Only dictionaries of tensors are read, as torch.save(model.state_dict(), …) writes them. Ask for the safetensors file.',
  });

export const modelMismatch = (what: string, expected: unknown, found: unknown) =>
  new CalmError('CALM_MODEL_MISMATCH', `${what}: expected ${String(expected)}, found ${String(found)}.`, {
    hint: 'The artifacts come from different runs. Run the stages again in order (calm run), or mend `inputs:`.',
  });

export const tensorMissing = (file: string, name: string) =>
  new CalmError('CALM_TENSOR_MISSING', `${file} has no tensor "${name}".`, {
    location: { file },
    hint: 'The file does not belong to this configuration.',
  });

export const tensorShape = (file: string, name: string, expected: string, found: string) =>
  new CalmError(
    'CALM_TENSOR_SHAPE',
    `${file}: tensor "${name}" has shape ${found}, and the configuration says ${expected}.`,
    {
      location: { file },
      hint: 'The weights belong to another configuration; use the config.json that was saved with them.',
    },
  );

export const badStep = (stage: string, step: number, problem: string, inARow: number) =>
  new CalmError(
    'CALM_BAD_STEP',
    `${stage} stopped at step ${step}: ${problem}${inARow > 1 ? `, and so it was ${inARow} times in a row` : ''}.`,
    {
      hint: `The state before it is saved, and events.jsonl says which batch it was. ${
        inARow > 1
          ? 'Lower learningRate, raise warmupSteps, or lower maxGradNorm'
          : `Leave such steps out and go on from here (--set ${stage}.onBadStep=skip), or lower learningRate`
      }.`,
    },
  );

export const bestMetricUnknown = (name: string, available: readonly string[]) =>
  new CalmError(
    'CALM_BEST_METRIC',
    `bestMetric: "${name}" is no value of held-out text by which a step is the best.`,
    {
      hint: suggest(name, available),
    },
  );

export const temperatureInvalid = (temperature: number) =>
  new CalmError('CALM_TEMPERATURE', `${temperatureProblem(temperature)}`, {
    hint: 'Lower is safer and duller; 1 leaves the model as it is.',
  });

/** Why a temperature can't be sampled at; undefined where it can. */
export function temperatureProblem(temperature: number): string | undefined {
  return temperature > 0 && temperature <= 1
    ? undefined
    : `The temperature must lie in (0, 1], and ${temperature} does not.`;
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
