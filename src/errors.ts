/**
 * Every message that a user can meet, one function each. An error says what is wrong, where
 * (file:line:column, key) and the way out.
 * Codes are stable and can be matched by scripts; `--json` prints { error: { code, message, hint, location }
 * }.
 */

import { distance } from 'fastest-levenshtein';

/** Where in a file something was found. Lines and columns count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

interface ErrorDetails {
  readonly hint?: string;
  /** The command that the hint ends with. */
  readonly command?: string;
  readonly location?: SourceLocation;
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** An error that the user can do something about. Everything else that is thrown is a defect of ours. */
export class CalmError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly command: string | undefined;
  readonly location: SourceLocation | undefined;
  readonly exitCode: number;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'CalmError';
    this.code = code;
    this.hint = details.hint;
    this.command = details.command;
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
  const nearest = nearestOf(name, available);
  return `${nearest ? `Did you mean "${nearest}"? ` : ''}Available: ${[...available].sort().join(', ')}.`;
}

/** The name that was meant, as far as one is like it: fewest changes first, then most letters in common. */
export function nearestOf(name: string, available: readonly string[]): string | undefined {
  const near = available
    .map((other) => ({ other, changes: distance(name, other), shared: sharedLetters(name, other) }))
    .filter(({ other, changes }) => changes <= Math.ceil(Math.max(name.length, other.length) / 2))
    .filter(({ shared }) => shared >= 0.5);
  return near.sort((a, b) => a.changes - b.changes || b.shared - a.shared)[0]?.other;
}

function sharedLetters(a: string, b: string): number {
  const letters = new Set(a.toLowerCase());
  const shared = [...new Set(b.toLowerCase())].filter((letter) => letters.has(letter)).length;
  return shared / Math.max(letters.size, new Set(b).size, 1);
}

// — configuration —

/** @param near the path of what may have been meant */
export const configNotFound = (file: string, near?: string) =>
  new CalmError('CALM_CONFIG_NOT_FOUND', `There is no configuration and no run at ${file}.`, {
    hint:
      `${near ? `Did you mean ${near}? ` : ''}Give the path of a YAML file or of a run folder (\`calm ls\` ` +
      'lists the runs), or write a configuration with `calm init`.',
    location: { file },
  });

export const noConfig = (directory: string) =>
  new CalmError(
    'CALM_CONFIG_NONE',
    `No configuration was named, and none (calm.yaml, .calmrc, package.json#calm) is in ${directory} ` +
      `or above.`,
    {
      hint: 'Name one (`calm run configs/quickstart.yaml`) or write one with `calm init`.',
    },
  );

export const configThere = (file: string) =>
  new CalmError('CALM_FILE_EXISTS', `${file} is there already.`, {
    hint: 'Choose another name, or replace it with --force.',
  });

export const configNotWritable = (file: string, cause: unknown) =>
  new CalmError('CALM_NOT_PERMITTED', `${file} can't be written: ${messageOf(cause)}.`, {
    cause,
    location: { file },
    hint: 'Name a place where you may write, for example calm init ~/calm.yaml; the texts may lie here.',
  });

export const initStopped = () =>
  new CalmError('CALM_INTERRUPTED', 'Stopped. Nothing was written.', { exitCode: 130 });

export const minutesInvalid = (given: string) =>
  new CalmError('CALM_MINUTES', `"${given}" is no number of minutes.`, {
    hint: 'For example --minutes 20, or 0.5 for half a minute.',
  });

export const configSyntax = (location: SourceLocation, message: string) =>
  new CalmError('CALM_CONFIG_SYNTAX', message, {
    location,
    hint: 'Fix the YAML at this place; indentation and colons are the usual causes.',
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

export const overrideNoMap = (path: string, segment: string, value: unknown) =>
  new CalmError(
    'CALM_OVERRIDE_UNKNOWN_PATH',
    `--set ${path}: "${segment}" is ${JSON.stringify(value)} and has no keys.`,
    { hint: `Set the whole of it: --set '${path.slice(0, path.indexOf(segment) + segment.length)}={…}'.` },
  );

export const overrideMatrix = (path: string, axis: string) =>
  new CalmError(
    'CALM_OVERRIDE_MATRIX',
    `--set ${path}: the matrix sets this key in every run (matrix.${axis}).`,
    {
      hint: 'Change the values of `matrix:` in the configuration, or leave the axis out there.',
    },
  );

export const overrideWholeStage = (path: string, fields: readonly string[]) =>
  new CalmError('CALM_OVERRIDE_STAGE', `--set ${path}: "${path}" is a stage, and has keys of its own.`, {
    hint:
      `Set one of them, as in --set ${path}.${fields[0] ?? 'key'}=…. ` +
      `${fields.length ? `It has ${fields.join(', ')}.` : ''}`,
  });

export const matrixSyntax = (location: SourceLocation, path: string, available: readonly string[]) =>
  new CalmError('CALM_MATRIX_PATH', `matrix: "${path}" is no key of a stage.`, {
    location,
    hint: `Write stage.key, as in train-lm.head. ${suggest(path.replace(/\..*/s, ''), available)}`,
  });

export const duplicateCell = (axis: string, label: string) =>
  new CalmError('CALM_MATRIX_DUPLICATE', `matrix.${axis} has "${label}" twice.`, {
    hint: 'Every value of an axis must be another.',
  });

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
    hint: 'Costs are told of train-autoencoder and train-lm.',
  });

export const noRunNamed = () =>
  new CalmError('CALM_REPORT_NOTHING', 'No run was named.', {
    hint: 'For example: calm report runs/quickstart',
  });

export const nothingToCompare = (directories: readonly string[]) =>
  new CalmError(
    'CALM_COMPARE_NOTHING',
    directories.length
      ? `There is nothing to compare: of ${directories.join(', ')} one run has finished a stage, or none.`
      : 'No runs were named.',
    { hint: 'Name two runs with results, or one sweep: calm compare runs/a runs/b' },
  );

/**
 * A plot, column or interval that asks for what no finished run has.
 * @param where the part of the report that asks
 */
export const reportKeyUnknown = (
  file: string,
  where: string,
  key: string,
  run: string,
  available: readonly string[],
) =>
  new CalmError('CALM_REPORT_KEY', `report, ${where}: no finished stage of ${run} has "${key}".`, {
    location: { file },
    hint: closestFirst(key, available),
  });

export const reportKeyUnsuited = (
  file: string,
  where: string,
  key: string,
  wanted: string,
  available: readonly string[],
) =>
  new CalmError('CALM_REPORT_KEY', `report, ${where}: "${key}" must be ${wanted}, and it is not.`, {
    location: { file },
    hint: closestFirst(key, available),
  });

export const reportInvalid = (file: string, problem: string) =>
  new CalmError('CALM_REPORT_INVALID', `The report that is asked for can't be read: ${problem}.`, {
    location: { file },
    hint: 'Correct `report:` in the configuration and name that file: calm report CONFIG.',
  });

const MOST_LISTED = 12;

/** The nearest of many names; how many more there are. */
function closestFirst(name: string, available: readonly string[]): string {
  const sorted = [...available].sort((a, b) => distance(name, a) - distance(name, b));
  const [nearest] = sorted;
  if (nearest === undefined) return 'There is none.';
  const more = sorted.length - MOST_LISTED;
  const isNear = sharedLetters(name, nearest) >= 0.5;
  const rest = more > 0 ? ` and ${more} more` : '';
  return (
    `${isNear ? `Did you mean "${nearest}"? ` : ''}There are: ` +
    `${sorted.slice(0, MOST_LISTED).join(', ')}${rest}.`
  );
}

// — other models —

/**
 * Why an address can't be that of a completions API; undefined where it can. The address itself is never part
 * of the answer,
 * because it may hold a secret.
 */
export function endpointProblem(address: string): string | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    return 'must be an address that begins with http:// or https://';
  const secret = [...url.searchParams.keys()].find((name) => /key|token|secret|sig|passw|auth/i.test(name));
  if (url.username || url.password) return `must hold no user name and no password. ${KEY_HINT}`;
  if (secret) return `must hold no key ("${secret}=…"). ${KEY_HINT}`;
  if (/\/chat\/completions\/*$/.test(url.pathname))
    return 'is a chat API, which does not continue a text; give the base address of a completions API';
  return undefined;
}

const KEY_HINT =
  'Put the key into the environment variable that apiKeyVariable names; it is written nowhere.';

export const endpointAddress = (problem: string) =>
  new CalmError('CALM_ENDPOINT_ADDRESS', `The address of the endpoint ${problem}`, {
    hint: 'For example: http://localhost:8000/v1',
  });

export const endpointKey = (source: string) =>
  new CalmError('CALM_ENDPOINT_KEY', `${source} holds a character that no request can carry in a key.`, {
    hint:
      'A line break or a typographic character was copied with it, as a rule. Set it again, in ' +
      'plain ASCII.',
  });

export const proxyAddress = (variable: string) =>
  new CalmError('CALM_PROXY_ADDRESS', `${variable} is not the address of a proxy.`, {
    hint: 'It must look like http://proxy.example:3128. Unset it, or set NO_PROXY, to use no proxy.',
  });

/** @param proxyVariable the environment variable that names a proxy, if there is one */
export const endpointUnreachable = (url: string, reason: string, proxyVariable?: string) =>
  new CalmError('CALM_ENDPOINT_UNREACHABLE', `${url} does not answer: ${brief(reason)}`, {
    hint: proxyVariable
      ? `Is the server running? ${proxyVariable} names a proxy; NO_PROXY lists hosts that are reached ` +
        `without it.`
      : 'Is the server running, and is this its address (…/v1)?',
  });

export const endpointCertificate = (url: string, reason: string) =>
  new CalmError('CALM_ENDPOINT_UNREACHABLE', `${url} can't be trusted: ${brief(reason)}`, {
    hint: 'Give Node the certificate of your own authority: NODE_EXTRA_CA_CERTS=ca.pem.',
  });

export const endpointRefused = (url: string, status: number | string, text: string) =>
  new CalmError('CALM_ENDPOINT_REFUSED', `${url} answered ${status}${text ? `: ${brief(text)}` : ''}`, {
    hint: refusalHint(Number(status)),
  });

function refusalHint(status: number): string {
  if (status === 401 || status === 403)
    return 'Put the key into the environment variable that apiKeyVariable names.';
  if (status === 407)
    return (
      'The proxy wants a name and a password: HTTP_PROXY=http://name:password@host:port, or ' + 'HTTPS_PROXY.'
    );
  if (status === 408 || status === 429 || status >= 500)
    return 'The server is busy or failing. Try later, or with fewer requests at once (concurrency: 1).';
  return 'The name of the model (--model) and the address are the usual causes.';
}

export const endpointAnswer = (url: string, problem: string, text = '') =>
  new CalmError(
    'CALM_ENDPOINT_ANSWER',
    `${url} gave no completion: ${problem}${text ? `: ${brief(text)}` : ''}`,
    { hint: 'It must be a completions API, not a chat API: { choices: [{ text }] }.' },
  );

export const endpointEcho = (url: string) =>
  new CalmError('CALM_ENDPOINT_ANSWER', `${url} gave the prompt back in front of its continuation.`, {
    hint: 'Turn that off in the server (echo, return_full_text); the continuation alone is scored.',
  });

export const endpointTooLong = (url: string, limitBytes: number) =>
  new CalmError('CALM_ENDPOINT_ANSWER', `${url} answered more than ${limitBytes} bytes.`, {
    hint: 'So few tokens (maxTokens) never need as much. Does the server honour max_tokens?',
  });

export const endpointRedirect = (url: string, status: number, target: string) =>
  new CalmError('CALM_ENDPOINT_REDIRECT', `${url} answered ${status} and leads to ${brief(target)}.`, {
    hint: 'A login page, or a server that has moved. Give the address of the API itself as the endpoint.',
  });

export const endpointWait = (url: string, status: number | string, seconds: number, mostSeconds: number) =>
  new CalmError(
    'CALM_ENDPOINT_BUSY',
    `${url} answered ${status} and asks to wait ${Math.ceil(seconds)} s; at most ${mostSeconds} s are ` +
      `waited.`,
    {
      hint:
        'Run the same command again later, or allow longer waits: maxRetryAfterSeconds ' +
        `(--max-retry-after-seconds ${Math.ceil(seconds)}).`,
    },
  );

/** What ended an evaluation, with what is kept of it. */
export const endpointStopped = (error: CalmError, numKept: number, numWindows: number) =>
  new CalmError(error.code, error.message, {
    hint: `${error.hint ?? ''} ${numKept} of ${numWindows} windows are kept; the same command resumes there.`,
    cause: error,
  });

export const endpointNoWindows = (numLeftOut: number) =>
  new CalmError(
    'CALM_ENDPOINT_NO_WINDOWS',
    `All ${numLeftOut} windows begin in the middle of a character or word, so none can be scored as text.`,
    { hint: 'Ask for more windows (--num-windows), or for another contextTokens.' },
  );

/** The beginning of a text from elsewhere, on one line and without control characters. */
function brief(text: string): string {
  const line = text.slice(0, 400).replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ');
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

// — the Hugging Face hub —

export const hubAddressWrong = (address: string, problem: string) =>
  new CalmError('CALM_HUB_ADDRESS', `${address} is no address on the hub: ${problem}.`, {
    hint:
      'hf:owner/name[@revision][/path] is a model; hf:datasets/owner/name is a data set, with a path, a ' +
      'pattern, or ?config=…&split=… . What a file is really called like that is ./hf:….',
  });

export const hubEndpointWrong = () =>
  new CalmError('CALM_HUB_ADDRESS', 'HF_ENDPOINT is not an address that begins with http:// or https://.', {
    hint: 'Unset it to use https://huggingface.co.',
  });

/** @param isData whether a data set is needed, and not a model */
export const hubKindWrong = (address: string, isData: boolean) =>
  new CalmError(
    'CALM_HUB_ADDRESS',
    `${address} is ${isData ? 'a model, and a data set is' : 'a data set, and a model is'} needed here.`,
    { hint: isData ? 'A data set is hf:datasets/owner/name.' : 'A model is hf:owner/name.' },
  );

/** @param isOffline whether HF_HUB_OFFLINE forbids to download it */
export const hubNotHere = (address: string, isOffline = false) =>
  new CalmError('CALM_HUB_NOT_HERE', `${address} has not been downloaded, or not all of it.`, {
    hint: isOffline
      ? 'HF_HUB_OFFLINE is set, so nothing is downloaded. Unset it once.'
      : '`calm run` and `calm import` download it.',
  });

/** @param isUnknown whether the hub does not know who asks, so that what is private is not there for it */
export const hubNotFound = (address: string, isUnknown: boolean, what = 'repository') =>
  new CalmError('CALM_HUB_NOT_FOUND', `${address}: the hub has no such ${what}.`, {
    hint:
      'Look at its name on the hub; a data set is hf:datasets/owner/name.' +
      (isUnknown ? ' Of a private one, set HF_TOKEN, or run `hf auth login`.' : ''),
  });

export const hubDenied = (address: string, page: string, hasToken: boolean, said: string) =>
  new CalmError('CALM_HUB_DENIED', `${address}: the hub refuses access${said ? `: ${brief(said)}` : '.'}`, {
    hint: hasToken
      ? `Accept its terms on ${page} with the account of your token, which must be allowed to read it.`
      : `Accept its terms on ${page}, then set HF_TOKEN, or run \`hf auth login\`.`,
  });

export const hubRefused = (url: string, status: number, said: string) =>
  new CalmError('CALM_HUB_REFUSED', `${url} answered ${status}${said ? `: ${brief(said)}` : ''}`, {
    hint:
      status === 429
        ? 'So many requests are not allowed. Set HF_TOKEN, which allows more, or run the same command later.'
        : 'Run the same command later; what was downloaded is kept.',
  });

/** @param proxyVariable the environment variable that names a proxy, if there is one */
export const hubUnreachable = (endpoint: string, reason: string, proxyVariable?: string) =>
  new CalmError('CALM_HUB_UNREACHABLE', `${endpoint} can't be reached: ${brief(reason)}`, {
    hint:
      'Run the same command again: it resumes. HF_ENDPOINT names another hub' +
      (proxyVariable ? `; ${proxyVariable} names the proxy.` : ', HTTPS_PROXY a proxy.'),
  });

export const hubFileGone = (address: string, file: string) =>
  new CalmError('CALM_HUB_NOT_FOUND', `${address}: ${file} is listed, and the hub does not have it.`, {
    hint: 'Run the same command again; if it stays so, tell the owner of the repository.',
  });

/** @param files that there are */
export const hubFileMissing = (address: string, files: readonly string[]) =>
  new CalmError('CALM_HUB_FILE_MISSING', `${address}: nothing in the repository is meant by it.`, {
    hint: `It holds ${files.length === 0 ? 'no file' : listed(files, 12)}.`,
  });

export const hubChecksum = (address: string, file: string) =>
  new CalmError('CALM_HUB_CHECKSUM', `${address}: what came of ${file} is not what the hub says it is.`, {
    hint: 'It came twice, and was removed. A proxy or a mirror (HF_ENDPOINT) may change it on the way.',
  });

export const hubLocked = (address: string, file: string, pid: number) =>
  new CalmError('CALM_HUB_LOCKED', `${address}: process ${pid} downloads ${file}.`, {
    hint: 'Wait for it, then run the same command.',
  });

export const hubNoRoom = (address: string, bytes: number, freeBytes: number, folder: string) =>
  new CalmError(
    'CALM_DISK_FULL',
    `${address}: ${gigabytes(bytes)} are to be downloaded, and ${folder} has room for ${gigabytes(freeBytes)}.`,
    { hint: 'Name fewer files (a pattern, ?split=…), make room, or let HF_HUB_CACHE name another folder.' },
  );

const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(3)} GB`;

/** @param name undefined where none was named and none is the default */
export const hubConfigUnknown = (address: string, name: string | undefined, available: readonly string[]) =>
  new CalmError(
    'CALM_HUB_CONFIG',
    name === undefined
      ? `${address} has several configurations, and none is its default.`
      : `${address} has no configuration "${name}".`,
    {
      hint:
        name === undefined
          ? `Choose one with ?config=…: ${listed(available, 12)}.`
          : suggest(name, available),
    },
  );

export const hubSplitUnknown = (address: string, name: string, available: readonly string[]) =>
  new CalmError('CALM_HUB_SPLIT', `${address} has no split "${name}".`, { hint: suggest(name, available) });

function listed(names: readonly string[], most: number): string {
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
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

export const modelIsTransformer = (directory: string) =>
  new CalmError('CALM_MODEL_KIND', `${directory} is a discrete Transformer, and a CALM is needed here.`, {
    location: { file: directory },
    hint: '`evaluate`, `sample` and `export` take either.',
  });

export const headOfTransformer = (option: string) =>
  new CalmError('CALM_HEAD_OPTION', `headSampling.${option}: a Transformer has no head to sample from.`, {
    hint: 'Leave `headSampling` out, or name the model of a CALM.',
  });

export const headInvalid = (name: string, problem: string) =>
  new CalmError('CALM_HEAD_INVALID', `The head "${name}" can't be registered: ${problem}.`, {
    hint: 'docs/extending/heads.md shows what a head is made of.',
  });

/** Why an option is none of a head. @param kind of training, or of sampling */
export function headOptionProblem(
  head: string,
  kind: 'options' | 'sampling',
  option: string,
  known: readonly string[],
): string {
  const what = kind === 'sampling' ? 'option of sampling' : 'option';
  const others = known.length ? suggest(option, known) : 'It has none.';
  return `the ${head} head has no ${what} "${option}". ${others}`;
}

export const headOption = (head: string, option: string, problem: string) =>
  new CalmError('CALM_HEAD_OPTION', `headSampling.${option}: ${problem}`, {
    hint: `The model has the head "${head}". The README of the stage lists the options of each head.`,
  });

// — measures —

export const measureInvalid = (name: string, problem: string) =>
  new CalmError('CALM_MEASURE_INVALID', `The measure "${name}" can't be registered: ${problem}.`, {
    hint: 'docs/extending/measures.md shows what a measure is made of.',
  });

export const measureTaken = (name: string) =>
  new CalmError('CALM_MEASURE_DUPLICATE', `Two modules register a measure "${name}".`, {
    hint: 'Rename one, or remove its module from `plugins:`.',
  });

/** @param lack what it needs and what the model is */
export const measureImpossible = (measure: string, lack: string) =>
  new CalmError('CALM_MEASURE_IMPOSSIBLE', `evaluate.measures: ${measure} ${lack}.`, {
    hint: `Leave ${measure} out of \`measures\`. Without \`measures\`, all that the model allows are taken.`,
  });

export const measureOption = (option: string, lack: string) =>
  new CalmError('CALM_MEASURE_OPTION', `evaluate.${option} ${lack}.`, {
    hint: `Leave ${option} out.`,
  });

export const sequenceTooShort = (tokens: number, patchSize: number, leastPatches: number) =>
  new CalmError(
    'CALM_CONFIG_INVALID',
    `evaluate.tokensPerSequence: ${tokens} tokens are fewer than ${leastPatches} patches of ` +
      `${patchSize} tokens.`,
    { hint: `Write ${leastPatches * patchSize} or more.` },
  );

// — optimisers —

export const optimizerUnknown = (name: string, available: readonly string[]) =>
  new CalmError('CALM_OPTIMIZER_UNKNOWN', optimizerProblem(name, available), {
    hint: 'A third-party optimiser comes by a module in `plugins:` that calls registerOptimizer().',
  });

/** Why a name that is not registered can't be used. */
export const optimizerProblem = (name: string, available: readonly string[]) =>
  `no optimiser is called "${name}". ${suggest(name, available)}`;

export const optimizerDuplicate = (name: string) =>
  new CalmError('CALM_OPTIMIZER_DUPLICATE', `Two modules register an optimiser "${name}".`, {
    hint: 'Rename one, or remove its module from `plugins:`.',
  });

export const optimizerInvalid = (problem: string) =>
  new CalmError('CALM_OPTIMIZER_INVALID', `The optimiser can't be used: ${problem}.`, {
    hint: 'Correct the module that registers it, or choose another with `optimizer:`.',
  });

export const optimizerState = (step: number, problem: string) =>
  new CalmError(
    'CALM_OPTIMIZER_STATE',
    `The checkpoint at step ${step} does not fit the optimiser: ${problem}.`,
    {
      hint:
        'Use the version of the optimiser that wrote it. To start anew, delete the folder of the ' +
        'stage in .work/.',
    },
  );

// — stages and the graph —

export const unknownStage = (name: string, available: readonly string[], location?: SourceLocation) =>
  new CalmError('CALM_STAGE_UNKNOWN', `No stage is called "${name}".`, {
    location,
    hint:
      FORMER_STAGES[name] ??
      `${suggest(name, available)} A third party's stage comes by \`plugins:\` in the configuration.`,
  });

/** @param topic what the names stand below, as in `calm eval NAME` */
export const unknownCommand = (name: string, available: readonly string[], topic?: string) => {
  const near = nearestOf(name, available);
  const before = topic ? `calm ${topic} ` : 'calm ';
  const known = near ? `Did you mean "${before}${near}"? ` : '';
  const all = topic
    ? `There are: ${[...available].sort().join(', ')}.`
    : '`calm help` lists all commands. A stage of a plugin is one where its configuration is named: ' +
      'calm my-stage calm.yaml.';
  const hint = FORMER_STAGES[name] ?? `${known}${all}`;
  return new CalmError('CALM_COMMAND_UNKNOWN', `There is no command "${before}${name}".`, { hint });
};

/** Flags or arguments that a command does not take. */
export const usage = (message: string, hint: string, cause: unknown) =>
  new CalmError('CALM_USAGE', message, { hint, cause, exitCode: 2 });

/** What stages that are gone have become. */
const FORMER_STAGES: Readonly<Record<string, string | undefined>> = {
  'evaluate-baseline':
    'Write `evaluate` instead: it takes a Transformer too. Its measure `unigram` is part of `baselines`.',
  'train-baseline': 'Write `train-lm` with `model: transformer` instead.',
  'sample-baseline': 'Write `sample` instead: it takes a Transformer too, with topK and topP.',
};

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
    hint: wayToLoad(name, cause),
  });

/** What helps a plugin that can't be loaded, by what went wrong. */
function wayToLoad(name: string, cause: unknown): string {
  const said = messageOf(cause);
  if (/import statement outside a module|Unexpected token 'export'/.test(said))
    return (
      'The file has `import` or `export`, and the nearest package.json says that .js files are CommonJS: ' +
      `call it ${name.replace(/\.\w+$/, '')}.mjs, or write "type": "module" there.`
    );
  const missing = /Cannot find (?:package|module) '([^']+)'/.exec(said)?.[1];
  if (missing === undefined) return 'The fault is in the plugin: fix it there, or tell its author.';
  if (missing.endsWith(name.replace(/^[.~]+/, '')))
    return 'Install it (npm install …) beside the configuration, or give the path of its file.';
  return `The plugin imports ${missing}: install that beside it (npm install …), or correct its path.`;
}

export const stageThrew = (stage: string, cause: unknown) =>
  new CalmError(
    'CALM_STAGE_FAILED',
    `Stage "${stage}" of a plugin failed: ${messageOf(cause)}${placeOf(cause)}`,
    {
      cause,
      hint: 'The fault is in the plugin: fix it there, or tell its author.',
    },
  );

/** The first line of a stack that is not calm's own. */
function placeOf(cause: unknown): string {
  const line =
    cause instanceof Error ? cause.stack?.split('\n').find((text) => /^\s+at /.test(text)) : undefined;
  return line ? ` (${line.trim()})` : '';
}

export const cyclicStages = (loop: readonly string[]) =>
  new CalmError('CALM_GRAPH_CYCLE', `Stages wait for each other: ${loop.join(' → ')}.`, {
    hint: 'Change one of their `inputs:` so that the graph has no loop.',
  });

export const missingInput = (stage: string, port: string, kind: string, makers: readonly string[]) =>
  new CalmError(
    'CALM_INPUT_MISSING',
    `Stage "${stage}" needs a ${kind} for its input "${port}", and no stage of this configuration makes one.`,
    {
      hint:
        `Add a stage that makes it (${makers.join(', ') || 'none is registered'}), or name a ` +
        `folder: inputs: { ${port}: ./runs/…/… }.`,
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

/** @param taken the inputs that the stage takes with its fields as they are */
export const inputNotTaken = (stage: string, port: string, taken: readonly string[]) =>
  new CalmError('CALM_INPUT_UNKNOWN', `Stage "${stage}" takes no input "${port}" with these fields.`, {
    hint: `It takes ${taken.join(', ')}. Remove ${port} from \`inputs\`, or change its fields.`,
  });

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
    hint:
      `Wait for it, stop it, or choose another name: --set name=…. If no such process is there any ` +
      `more, remove ${directory}/.lock.`,
  });

export const runLost = (directory: string) =>
  new CalmError(
    'CALM_RUN_LOST',
    `Another calm has taken over ${directory}, because this one was silent for too long.`,
    {
      hint:
        'What was saved before is whole. Let the other one finish, or stop it and run the same ' +
        'command again.',
    },
  );

export const runMissing = (path: string) =>
  new CalmError('CALM_RUN_MISSING', `There is no run at ${path}.`, {
    location: { file: path },
    hint: 'Give the folder of a run (`calm ls` lists them), or make one: calm run CONFIG.',
  });

export const notARun = (directory: string) =>
  new CalmError(
    'CALM_RUN_NONE',
    `${directory} holds no run: it has neither a run.json nor a finished stage.`,
    {
      location: { file: directory },
      hint:
        'Give the folder of a run (`calm ls` lists them), or a model folder with config.json and ' +
        'weights.',
    },
  );

export const inputNotInRun = (stage: string, kind: string, run: string) =>
  new CalmError('CALM_INPUT_MISSING', `${stage} needs a ${kind}, and no stage of ${run} makes one.`, {
    hint: 'Name a run that has one; `calm status RUN` lists the stages of a run.',
  });

export const noResults = (directory: string) =>
  new CalmError('CALM_RUN_NONE', `${directory} has no finished stage.`, {
    location: { file: directory },
    hint: 'Finish the run: calm run RUN.',
  });

export const notConfirmed = (directory: string) =>
  new CalmError('CALM_NOT_CONFIRMED', `${directory} stays as it is.`, {
    hint: 'To remove it without being asked: calm rm RUN --yes.',
  });

export const checkpointSyntax = (text: string) =>
  new CalmError('CALM_CHECKPOINT', `--checkpoint ${text} names no checkpoint.`, {
    hint: 'Write latest, best, or the number of a step.',
  });

export const checkpointMissing = (directory: string, wanted: string | number, steps: readonly number[]) =>
  new CalmError('CALM_CHECKPOINT', `${directory} has no checkpoint "${wanted}".`, {
    location: { file: directory },
    hint: steps.length
      ? `It has steps ${steps.join(', ')}. \`best\` needs bestMetric in the configuration.`
      : 'None is saved here: `checkpointEvery` says how often one is, and `calm gc --checkpoints` ' +
        'removes them.',
  });

export const inputNotInFolder = (stage: string, kind: string, folder: string) =>
  new CalmError('CALM_INPUT_MISSING', `${stage} needs a ${kind}, and ${folder} has none.`, {
    location: { file: folder },
    hint:
      kind === 'token-shards'
        ? 'A model folder has no held-out text: name some with --corpus FILE.'
        : 'Give the folder of a model of this kind: config.json, weights and tokenizer.',
  });

export const takesNoText = (stage: string) =>
  new CalmError('CALM_INPUT_MISSING', `${stage} takes nothing that is made of text.`, {
    hint: 'Leave out --corpus.',
  });

export const notAnOverride = (text: string, stage: string) =>
  new CalmError(
    'CALM_OVERRIDE_UNKNOWN_PATH',
    `--set ${text}: this command reads a run and does not change it.`,
    {
      hint:
        `Only fields of ${stage} can be set here, as in --set ${stage}.…=…. To change the run: calm ` +
        `run RUN --set ….`,
    },
  );

export const inputNotFinished = (stage: string, maker: string, hasCheckpoint: boolean) =>
  new CalmError('CALM_INPUT_NOT_READY', `${stage} needs the result of "${maker}", which has not finished.`, {
    hint: hasCheckpoint
      ? 'Take what it has saved so far with --checkpoint latest, or finish it: calm run RUN.'
      : `Run it first: calm run RUN --until ${maker}.`,
  });

/** @param way what to type to mean one of them */
export const inputSeveral = (stage: string, kind: string, stages: readonly string[], way: string) =>
  new CalmError(
    'CALM_INPUT_AMBIGUOUS',
    `${stage} needs one ${kind}, and the run has several: ${stages.join(', ')}.`,
    {
      hint: `Name the one that is meant: ${way}`,
    },
  );

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
    hint: 'Run the stage that makes it first, or correct the path.',
  });

/** @param signal the number of the signal that ended it; SIGINT where absent */
export const interrupted = (command: string, signal = 2) =>
  new CalmError('CALM_INTERRUPTED', 'Interrupted. Everything up to the last step is saved.', {
    hint: `Resume with: ${command}`,
    command,
    exitCode: 128 + signal,
  });

// — several processes as one —

const SAME_COMMAND = 'What was saved before is whole: the same command resumes.';

export const mpiMissing = (why: string) =>
  new CalmError('CALM_MPI_MISSING', `No MPI library can be loaded${why && `: ${why}`}.`, {
    hint:
      'Install Open MPI (Debian, Ubuntu: apt-get install openmpi-bin; on a cluster often: module load ' +
      'openmpi) or MPICH, or name its library: CALM_MPI=/path/to/libmpi.so. The package koffi calls it: ' +
      'npm install koffi. `calm doctor` says what is found.',
  });

export const mpiFailed = (call: string, message: string) =>
  new CalmError('CALM_MPI', `MPI could not ${call}: ${message}.`, {
    hint: `Another rank may have ended, or the network between machines be down. ${SAME_COMMAND}`,
  });

export const launcherMissing = (name: string, cause: unknown) =>
  new CalmError('CALM_MPI_MISSING', `--ranks starts ${name}, and it does not start: ${messageOf(cause)}.`, {
    cause,
    hint: 'Install Open MPI (apt-get install openmpi-bin) or MPICH; `calm doctor` says what is found.',
  });

export const ranksInvalid = (given: number) =>
  new CalmError('CALM_RANKS', `--ranks ${given} is no number of processes.`, {
    hint: 'Give a whole number from 1 on, at most one for each core.',
  });

export const rankListInvalid = (given: string) =>
  new CalmError('CALM_RANKS', `--ranks ${given} is no list of numbers of ranks.`, {
    hint: 'For example --ranks 1,8,64.',
  });

export const ranksWithin = (size: number) =>
  new CalmError('CALM_RANKS', `--ranks starts ranks, and this process is one of ${size} already.`, {
    hint: 'Leave it out under mpirun and srun.',
  });

export const ranksWithoutMpi = (tasks: number) =>
  new CalmError('CALM_RANKS', `srun has started ${tasks} tasks that can't hear of one another.`, {
    hint:
      'Start them with the interface of your MPI: srun --mpi=pmix (Open MPI) or srun --mpi=pmi2 (MPICH); ' +
      '`srun --mpi=list` names those of this cluster. Or start mpirun within the job.',
  });

/** The launcher and the library are of two MPIs, say. */
export const ranksDiffer = (launched: number, joined: number, version: string) =>
  new CalmError('CALM_RANKS', `The launcher has started ${launched} ranks, and ${version} sees ${joined}.`, {
    hint: 'The library must be of the MPI whose mpirun it is: name it with CALM_MPI=/path/to/libmpi.so.',
  });

export const ranksTooMany = (stage: string, size: number, accumulationSteps: number) =>
  new CalmError(
    'CALM_RANKS',
    `${stage} can't be shared by ${size} ranks: a step has ${accumulationSteps} micro-batches.`,
    {
      hint:
        `Each rank takes at least one. Set accumulationSteps to ${size} or a multiple of it, with smaller ` +
        'micro-batches for the same step; or start fewer ranks.',
    },
  );

/** A rank, as people read it. */
const rankOn = (rank: number, host: string) => `Rank ${rank} on ${host}`;

interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly exitCode?: number;
}

/** What another rank ended with. */
export const rankFailed = (rank: number, host: string, { code, message, hint, exitCode }: ToldError) =>
  code === 'CALM_INTERRUPTED'
    ? interrupted('the same command', (exitCode ?? 130) - 128)
    : new CalmError(code, `${rankOn(rank, host)} ended: ${message}`, { hint: hint || SAME_COMMAND });

export const rankUnready = (rank: number, host: string, { code, message, hint }: ToldError) =>
  new CalmError(code, `${rankOn(rank, host)} can't begin: ${message}`, {
    hint: `${hint ? `${hint} ` : ''}All ranks must see the same files.`,
  });

export const ranksDisagree = (rank: number, host: string, fact: string, found: string, first: string) =>
  new CalmError(
    'CALM_RANKS_DIFFER',
    `${rankOn(rank, host)} has ${fact} ${found}, and the first rank ${first}.`,
    {
      hint: 'All ranks must run the same calm with the same configuration, files, engine and threads.',
    },
  );

export const rankDied = (rank: number, host: string, how: string) =>
  new CalmError('CALM_RANK_DIED', `${rankOn(rank, host)} was ended ${how}, and with it all others.`, {
    hint:
      `${SAME_COMMAND} If nobody stopped it, its machine may have run out of memory; .ranks/rank-${rank}.log ` +
      'in the run folder has what it said.',
  });

export const jobDied = (stage: string, how: string) =>
  new CalmError('CALM_JOB_DIED', `The process of the stage "${stage}" was ended (${how}).`, {
    hint: `${SAME_COMMAND} If nobody stopped it, the machine may have run out of memory: fewer --jobs need less.`,
  });

export const rankSilent = (rank: number, seconds: number) =>
  new CalmError('CALM_RANK_DIED', `Rank ${rank} has given no sign of life for ${seconds} s.`, {
    hint: `It is dead or stopped, or its machine out of reach. ${SAME_COMMAND}`,
  });

export const rankHangs = (rank: number, seconds: number) =>
  new CalmError('CALM_RANK_HANGS', `Rank ${rank} lives, and has come no further for ${seconds} s.`, {
    hint: `${SAME_COMMAND} Where a step takes longer than that: CALM_RANK_DEADLINE=SECONDS.`,
  });

export const deadlineInvalid = (given: string) =>
  new CalmError('CALM_RANKS', `CALM_RANK_DEADLINE is "${given}", and must be a number of seconds above 0.`, {
    hint: 'Set it to more than the longest step takes, or unset it.',
  });

/** Ranks that were to have the same weights do not. */
export const weightsDiffer = (rank: number, step: number) =>
  new CalmError(
    'CALM_RANKS_DIFFER',
    `After step ${step} rank ${rank} has other weights than the first rank.`,
    {
      hint:
        'Their machines calculate differently: take machines with the same processors. The checkpoint before ' +
        'this step is whole.',
    },
  );

// — the machine —

export const noTemporaryFolder = (directory: string, cause: unknown) =>
  new CalmError(
    'CALM_NO_TEMPORARY_FOLDER',
    `${directory}, for temporary files, can't be used: ${messageOf(cause)}`,
    {
      cause,
      location: { file: directory },
      hint: 'Make the folder, or let the environment variable TMPDIR name another.',
    },
  );

/** What the system's errors mean and what can be done. */
const SYSTEM_ERRORS: Readonly<Record<string, readonly [code: string, problem: string, hint: string]>> = {
  ENOSPC: [
    'CALM_DISK_FULL',
    'the disk is full',
    'Make room (`calm gc` shows what nothing needs) and run the same command: it resumes from what is saved.',
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
    'Fix the permissions, or choose another folder: --set output=….',
  ],
  EPERM: [
    'CALM_NOT_PERMITTED',
    'this is not permitted to you',
    'Fix the permissions, or choose another folder: --set output=….',
  ],
  EMFILE: ['CALM_TOO_MANY_FILES', 'too many files are open', 'Raise the limit: ulimit -n 4096.'],
  ENAMETOOLONG: ['CALM_NAME_TOO_LONG', 'no file can have so long a name', 'Correct the path.'],
  EISDIR: ['CALM_NOT_A_FILE', 'this is a folder, and a file is needed', 'Correct the path.'],
  ENOTDIR: ['CALM_NOT_A_FOLDER', 'this path leads through a file', 'Correct the path.'],
  ELOOP: [
    'CALM_LINK_LOOP',
    'its symbolic links lead in a circle',
    'Remove the link, or give the path of the file itself.',
  ],
  ENOENT: [
    'CALM_FILE_GONE',
    'this does not exist',
    'Was it moved or removed while calm was at work? Run the same command again.',
  ],
};

/**
 * An error of the operating system as the user's; undefined where it is none.
 * @param place named where the error itself names no file
 */
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

export const notRegularFile = (file: string) =>
  new CalmError(
    'CALM_NOT_A_FILE',
    `${file} is no regular file: a pipe or a device has no end that can be waited for.`,
    {
      location: { file },
      hint: 'Give the path of a file.',
    },
  );

// — data —

export const noDocuments = (sources: readonly string[], directory: string) =>
  new CalmError('CALM_CORPUS_EMPTY', `No document was found in ${sources.join(', ')}.`, {
    hint: `Paths and globs are read relative to ${directory}. Check \`corpus\` of the tokenize stage.`,
  });

export const allLeftOut = (numLines: number, numEmpty: number, problem: string | undefined) =>
  new CalmError(
    'CALM_CORPUS_EMPTY',
    `The corpus has no document; lines left out: ${numLines}, empty documents: ${numEmpty}.`,
    {
      hint: problem
        ? `The first line that was left out ${problem}.`
        : 'Check `corpus` of the tokenize stage, and `textField`.',
    },
  );

/**
 * @param documents files, paragraphs or lines, whatever gives the most
 * @param needed bytes of text, about
 */
export const corpusTooSmall = (bytes: number, documents: number, needed: number) =>
  bytes < needed || documents > 1
    ? new CalmError('CALM_CORPUS_SMALL', `There is too little text to train on: ${bytes} bytes.`, {
        hint: `Some ${needed} bytes are enough for a model that runs, a megabyte for one that learns words.`,
      })
    : new CalmError(
        'CALM_CORPUS_SMALL',
        `The text is one line of ${bytes} bytes: nothing of it can be held out to measure the model on.`,
        { hint: 'Part it by blank lines, which makes its paragraphs documents, or into several files.' },
      );

export const corpusNotRead = (file: string, { problem, advice }: { problem: string; advice: string }) =>
  new CalmError('CALM_CORPUS_FORMAT', `${file} ${problem}, and can't be read as a corpus.`, {
    location: { file },
    hint: `${advice}; or take the file out of \`corpus\`.`,
  });

export const corpusFormatUnknown = (name: string, available: readonly string[]) =>
  new CalmError(
    'CALM_CORPUS_FORMAT_UNKNOWN',
    `No format of a corpus is called "${name}". ${suggest(name, available)}`,
    {
      hint:
        'Correct `format` in `corpus`. A third-party format comes by a module in `plugins:` that ' +
        'calls registerCorpusFormat().',
    },
  );

export const corpusFormatDuplicate = (name: string) =>
  new CalmError('CALM_CORPUS_FORMAT_DUPLICATE', `Two modules register a corpus format "${name}".`, {
    hint: 'Rename one, or remove its module from `plugins:`.',
  });

export const corpusFormatInvalid = (name: string, problem: string) =>
  new CalmError('CALM_CORPUS_FORMAT_INVALID', `"${name}" is not a corpus format: ${problem}.`, {
    hint: 'docs/extending/corpus-formats.md says what a format is.',
  });

export const corpusOptionsWrong = (file: string, format: string, problem: string) =>
  new CalmError('CALM_CORPUS_OPTIONS', `The options of the format "${format}" are wrong: ${problem}.`, {
    location: { file },
    hint: 'Correct `options` of this source in `corpus`.',
  });

/**
 * @param columns those that are there; what is no text is said behind a name
 * @param isText whether the table is written as text
 */
export const corpusColumnMissing = (
  file: string,
  textField: string,
  columns: readonly string[],
  isText: boolean,
) =>
  new CalmError(
    'CALM_CORPUS_COLUMN',
    `${file} has no column "${textField}" with text. Its columns are ${columns.join(', ')}.`,
    {
      location: { file },
      hint:
        'Name the column that holds the text: `textField` of its source in `corpus`.' +
        (isText ? ' With `format: text` the file is read as it stands.' : ''),
    },
  );

export const corpusFolderUnreadable = (folder: string, files: string) =>
  new CalmError('CALM_CORPUS_FORMAT', `No file in ${folder} can be read as a corpus: ${files}.`, {
    location: { file: folder },
    hint: 'Convert the files to text, JSON lines or a table; name one of them alone to see how.',
  });

/** What is wrong with a path of the corpus, by the system's code. */
const CORPUS_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'is a link to nothing',
  ELOOP: 'is a link in a circle of links',
  EACCES: "can't be read, because you have no permission",
  EPERM: "can't be read, because you have no permission",
};

export const corpusUnreadable = (file: string, cause: unknown) =>
  new CalmError(
    'CALM_CORPUS_FILE',
    `${file} (corpus) ` +
      `${CORPUS_PROBLEMS[(cause as { code?: string }).code ?? ''] ?? `can't be read: ${messageOf(cause)}`}.`,
    {
      cause,
      location: { file },
      hint: 'Correct the link or the permissions, or take the file out of `corpus`.',
    },
  );

export const homeUnknown = (path: string) =>
  new CalmError('CALM_HOME_UNKNOWN', `${path}: there is no home folder for ~ to mean.`, {
    hint: 'Set HOME, or write the whole path. A file or folder that is called ~ is ./~.',
  });

export const fileMissing = (file: string, role: string) =>
  new CalmError('CALM_FILE_MISSING', `${file} (${role}) does not exist.`, {
    location: { file },
    hint: 'Correct the path; it is read relative to the configuration file.',
  });

export const packageMissing = (name: string, directory: string) =>
  new CalmError(
    'CALM_PACKAGE_MISSING',
    `The npm package "${name}", named as a corpus, is not installed where ${directory} can see it.`,
    {
      hint: `npm install ${name}`,
    },
  );

/** @param unit what a record of the file is called; a line has a place in the text */
export const badCorpusLine = (file: string, unit: string, number: number, problem: string) =>
  new CalmError(
    'CALM_CORPUS_LINE',
    unit === 'line' ? `The line ${problem}.` : `The ${unit} ${number} ${problem}.`,
    {
      location: unit === 'line' ? { file, line: number } : { file },
      hint:
        `Correct or remove the ${unit}, or let such ones be left out, counted and listed: ` +
        `onBadLine: skip.`,
    },
  );

export const corpusFileBroken = (file: string, problem: string, cause?: unknown) =>
  new CalmError('CALM_CORPUS_FILE', `${file} can't be read: ${problem}.`, {
    cause,
    location: { file },
    hint: 'The file is cut short or damaged; get it again, or take it out of the corpus.',
  });

export const corpusChanged = (file: string) =>
  new CalmError('CALM_CORPUS_CHANGED', `${file} changed while it was read.`, {
    location: { file },
    hint: 'Run the same command again once nothing writes to it.',
  });

export const notEnoughTokens = (what: string, found: number, needed: number) =>
  new CalmError('CALM_TOO_FEW_TOKENS', `The ${what} split has ${found} tokens, and ${needed} are needed.`, {
    hint:
      'Use a larger corpus, a larger validationFraction, or fewer patches a sequence; split ' +
      'single-file corpora with `documents: paragraph`.',
  });

export const nothingToEvaluate = () =>
  new CalmError(
    'CALM_INPUT_MISSING',
    'evaluate needs an autoencoder or a language model, and there is neither.',
    {
      hint: 'Add train-autoencoder or train-lm to the configuration, or name a folder with `inputs:`.',
    },
  );

export const nothingToCompareWith = (measures: readonly string[], found: number, needed: number) =>
  new CalmError(
    'CALM_TOO_FEW_TOKENS',
    `evaluate.measures: ${measures.join(' and ')} compare the model with the training split, which has ` +
      `${found} tokens; ${needed} are needed.`,
    {
      hint:
        `Leave ${measures.length > 1 ? 'them' : 'it'} out of \`measures\`, or use a corpus with a ` +
        `training split (validationFraction below 1).`,
    },
  );

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

export const chatTemplateMissing = () =>
  new CalmError('CALM_CHAT', 'The tokenizer has no chat template, so messages are no text to it.', {
    hint:
      'Give a prompt in text; or state `chat_template` in tokenizer_config.json (or chat_template.jinja) ' +
      'beside its tokenizer.json, or `chatTemplate` in the tokenize stage.',
  });

export const chatTemplateFailed = (problem: string, cause: unknown) =>
  new CalmError('CALM_CHAT', `The tokenizer's chat template can't render these messages: ${problem}`, {
    cause,
    hint: 'Give the messages in the order and with the roles that the template expects.',
  });

export const chatInvalid = (problem: string) =>
  new CalmError('CALM_CHAT', `The messages are no conversation: ${problem}.`, {
    hint: 'Each message is an object with the texts "role" and "content".',
  });

// — models in programs —

export const modelMissing = (path: string) =>
  new CalmError('CALM_MODEL_MISSING', `There is no run and no model folder at ${path}.`, {
    location: { file: path },
    hint: 'Give the folder of a run (`calm ls` lists them), or one with config.json, weights and tokenizer.',
  });

export const promptTooLong = (tokens: number, most: number) =>
  new CalmError('CALM_OPTION', `The prompt has ${tokens} tokens; ${most} are allowed.`, {
    hint: 'Shorten it.',
  });

export const noSuchToken = (id: unknown, vocabSize: number) =>
  new CalmError(
    'CALM_OPTION',
    `The prompt has the token id ${String(id)}; the model knows 0 to ${vocabSize - 1}.`,
    {
      hint: "Give ids of the model's own tokenizer, or the text.",
    },
  );

export const apiKeyNeeded = (host: string) =>
  new CalmError('CALM_SERVE', `Listening on ${host} lets others ask, and no key is set.`, {
    hint: 'Set CALM_API_KEY to a secret, or listen on 127.0.0.1 alone.',
  });

export const runNotAtWork = (name: string) =>
  new CalmError('CALM_RUN_CONTROL', `No process is at work in the run "${name}".`);

export const runAtWork = (name: string) =>
  new CalmError('CALM_RUN_CONTROL', `A process is at work in the run "${name}" already.`);

export const runElsewhere = (name: string, host: string) =>
  new CalmError(
    'CALM_RUN_CONTROL',
    `The run "${name}" is at work on ${host}, and can be stopped there alone.`,
  );

export const portTaken = (host: string, port: number) =>
  new CalmError('CALM_SERVE', `${host}:${port} is taken by another program.`, {
    hint: 'Give another --port; 0 takes any that is free.',
  });

export const serveTwice = (name: string) =>
  new CalmError('CALM_SERVE', `Two models are called "${name}".`, {
    hint: 'Clients name a model by the name of its run: give each once, or rename a folder.',
  });

export const modelDisposed = (directory: string) =>
  new CalmError('CALM_MODEL_DISPOSED', `The model of ${directory} has been disposed of.`, {
    hint: 'Load it again, or dispose of it after its last use.',
  });

export const hasNoLatents = (what: 'encode' | 'decode', directory: string) =>
  new CalmError(
    'CALM_MODEL_KIND',
    `${what}: ${directory} is a discrete Transformer, which has no latent vectors.`,
    { location: { file: directory }, hint: 'Take a CALM, or an autoencoder.' },
  );

export const writesNoText = (directory: string) =>
  new CalmError('CALM_MODEL_KIND', `${directory} is an autoencoder, and a language model is needed here.`, {
    location: { file: directory },
    hint:
      'An autoencoder encodes and decodes. Take a run whose language model has finished, or a saved step of ' +
      "it (`checkpoint: 'latest'`, `--checkpoint latest`).",
  });

export const engineTaken = (loaded: string, asked: string) =>
  new CalmError(
    'CALM_ENGINE_TAKEN',
    `The engine "${asked}" can't be loaded beside "${loaded}": a process has one engine.`,
    { hint: `Leave \`engine\` out, or dispose of the models that are loaded on "${loaded}" first.` },
  );

export const optionInvalid = (name: string, value: unknown, wanted: string) =>
  new CalmError(
    'CALM_OPTION',
    `${name} must be ${wanted}, and is ${JSON.stringify(value) ?? String(value)}.`,
  );

export const tooFewTokens = (found: number, needed: number) =>
  new CalmError('CALM_TOO_FEW_TOKENS', `The texts have ${found} tokens, and ${needed} are needed.`, {
    hint: 'Give more text, or fewer patchesPerSequence.',
  });

export const latentsMissing = (file: string) =>
  new CalmError('CALM_FILE_MISSING', `${file} (latents) does not exist.`, {
    location: { file },
    hint: 'Correct the path, or make the file: calm encode RUN TEXT --to FILE.',
  });

export const notLatents = (file: string, problem: string) =>
  new CalmError('CALM_LATENTS', `${file} holds no latents of a text: ${problem}.`, {
    location: { file },
    hint: 'Give a file that `calm encode` or writeLatents() wrote.',
  });

export const latentsShape = (problem: string) =>
  new CalmError('CALM_LATENTS', `These latents are none of this model: ${problem}.`, {
    hint: 'Decode with the autoencoder that encoded them.',
  });

export const latentsOfAnother = (part: 'autoencoder' | 'tokenizer', found: string, own: string) =>
  new CalmError(
    'CALM_LATENTS',
    `These latents are of another ${part}: its hash is ${found.slice(0, 12)}…, and the model's is ` +
      `${own.slice(0, 12)}….`,
    { hint: 'Decode with the model that encoded them.' },
  );

export const textNotUtf8 = (name: string) =>
  new CalmError('CALM_TEXT', `${name} is not UTF-8.`, {
    hint: 'Convert it first, for example: iconv -f LATIN1 -t UTF-8.',
  });

export const argumentMissing = (name: string) =>
  new CalmError('CALM_USAGE', `${name} is missing.`, { hint: 'See the command with --help.' });

export const textMissing = (file: string) =>
  new CalmError('CALM_FILE_MISSING', `${file} does not exist.`, {
    location: { file },
    hint: 'Correct the path; `-` reads standard input.',
  });

// — engines and models —

export const threadsInvalid = (given: string, most: number) =>
  new CalmError(
    'CALM_THREADS',
    `CALM_THREADS is "${given.slice(0, 40)}", and must be a whole number from 1 to ${most}.`,
    {
      hint: 'Set it to the number of threads that a step may use, or unset it: then all cores are used.',
    },
  );

export const engineDuplicate = (name: string) =>
  new CalmError('CALM_ENGINE_DUPLICATE', `Two modules register an engine "${name}".`, {
    hint: 'Rename one, or remove its module from `plugins:`.',
  });

export const engineUnknown = (name: string, available: readonly string[]) =>
  new CalmError('CALM_ENGINE_UNKNOWN', `No engine is called "${name}".`, { hint: suggest(name, available) });

export const engineUnavailable = (
  { name, packageName, howToGet }: { name: string; packageName: string; howToGet: string },
  cause: unknown,
) =>
  new CalmError(
    'CALM_ENGINE_UNAVAILABLE',
    `The engine "${name}" can't be used: ${messageOf(cause).split('\n')[0]}`,
    {
      cause,
      hint:
        `It needs ${packageName}, installed and working: \`${howToGet}\`. \`engine: auto\` takes ` +
        `the best engine that is there; see \`calm doctor\`.`,
    },
  );

/** Of an engine that npm brings along, and dropped where its install script failed. */
export const precisionMissing = (engine: string) =>
  new CalmError('CALM_PRECISION', `The engine "${engine}" has no products in bf16.`, {
    hint:
      'TensorFlow has (`calm engine install cpu`, then engine: node). `precision: auto` takes bf16 where the ' +
      'engine has it and it is faster, and f32 elsewhere.',
  });

export const engineMissing = ({
  name,
  packageName,
  howToGet,
}: {
  name: string;
  packageName: string;
  howToGet: string;
}) =>
  new CalmError(
    'CALM_ENGINE_UNAVAILABLE',
    `The engine "${name}" is missing, and others are several times slower; \`${howToGet}\` gets it.`,
    { hint: `npm drops ${packageName} where its install script fails, which calm does not need.` },
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
      hint:
        'What was installed before stands as it was. The same command resumes from what is ' +
        'downloaded and unpacked; `calm engine remove` clears it away.',
    },
  );

export const promptsTwice = () =>
  new CalmError('CALM_PROMPTS', 'Prompts are read from a file or typed, not both.', {
    hint: 'Leave out `prompts`, or --interactive.',
  });

export const promptsMissing = (file: string) =>
  new CalmError('CALM_FILE_MISSING', `${file} (prompts) does not exist.`, {
    location: { file },
    hint: 'Correct --prompts; it is read relative to the current folder.',
  });

export const promptsNotAFile = (file: string) =>
  new CalmError('CALM_PROMPTS', `${file} (prompts) is not a regular file.`, {
    location: { file },
    hint: 'Give --prompts a JSON Lines file: {"prompt": "…"} on each line.',
  });

export const promptsEmpty = (file: string) =>
  new CalmError('CALM_PROMPTS', `${file} has no prompt.`, {
    location: { file },
    hint: 'Write one on each line: {"prompt": "…"}.',
  });

export const promptLineInvalid = (file: string, line: number, problem: string) =>
  new CalmError('CALM_PROMPTS', `Line ${line} of ${file} ${problem}.`, {
    location: { file, line },
    hint:
      'Each line must be a JSON object with the prompt as text, {"prompt": "…"}, in UTF-8. Other ' +
      'fields are kept.',
  });

export const promptFieldTaken = (file: string, line: number, field: string) =>
  new CalmError(
    'CALM_PROMPTS_FIELD',
    `Line ${line} of ${file} has a field "${field}", which the results need for what calm adds.`,
    {
      location: { file, line },
      hint: `Give the field another name, such as "${field}_before". Nothing was written.`,
    },
  );

export const resultsWithoutPrompts = () =>
  new CalmError(
    'CALM_RESULTS',
    '`results` names a file for the answers to `prompts`, and no prompts are named.',
    {
      hint: 'Add --prompts FILE, or leave --results out; one --prompt is answered on the terminal.',
    },
  );

export const resultsArePrompts = (file: string) =>
  new CalmError('CALM_RESULTS', `${file} (results) is the prompts file itself.`, {
    location: { file },
    hint: 'Name another file: --results FILE. Nothing was written.',
  });

export const resultsNotAFile = (file: string) =>
  new CalmError('CALM_RESULTS', `${file} (results) is not a regular file.`, {
    location: { file },
    hint: 'Name a file that can be read again, so that the command can resume: --results FILE.',
  });

export const resultsMissingFolder = (file: string, folder: string) =>
  new CalmError('CALM_RESULTS', `The folder ${folder}, in which the results are to lie, does not exist.`, {
    location: { file },
    hint: `Make it (mkdir -p '${folder}'), or correct --results.`,
  });

export const resultsForeign = (file: string, line: number) =>
  new CalmError('CALM_RESULTS', `Line ${line} of ${file} was not written by this command.`, {
    location: { file, line },
    hint:
      'Results are only added to a file of results. Name another file: --results FILE. Nothing was ' +
      'changed.',
  });

export const resultsOfOtherPrompts = (file: string, line: number, prompts: string) =>
  new CalmError('CALM_RESULTS', `Line ${line} of ${file} does not answer prompt ${line} of ${prompts}.`, {
    location: { file, line },
    hint:
      'To resume, the prompts must stand as they were; more may follow. Name another file: ' +
      '--results FILE.',
  });

export const resultsOtherSettings = (file: string, line: number, differences: readonly string[]) =>
  new CalmError(
    'CALM_RESULTS_SETTINGS',
    `Line ${line} of ${file} was made with other settings: ${differences.join(', ')}.`,
    {
      location: { file, line },
      hint: 'Resume with the settings that the file was started with, or name another file: --results FILE.',
    },
  );

export const verifyFailed = (directory: string, problems: readonly string[]) =>
  new CalmError('CALM_VERIFY_FAILED', `${directory}: ${problems.join('; ')}`, {
    hint: 'Make it again: calm run … --only STAGE --force.',
  });

/** @param flag that names the folder */
export const exportTargetExists = (directory: string, flag = '--to') =>
  new CalmError('CALM_EXPORT_EXISTS', `${directory} is there already.`, {
    hint: `Name another folder with ${flag}, or remove it.`,
  });

export const webPageMissing = () =>
  new CalmError('CALM_WEB_PAGE', 'The page for browsers has not been built.', {
    hint: 'In a clone of the sources: npm run build.',
  });

export const webHeadOfPlugin = (head: string, directory: string) =>
  new CalmError(
    'CALM_WEB_PAGE',
    `The head "${head}" comes from a plugin, and the page has the built-in ones.`,
    {
      location: { file: directory },
      hint: 'calm serve and calm sample take it.',
    },
  );

export const nothingToExport = () =>
  new CalmError('CALM_EXPORT_NOTHING', 'The run has neither a language model nor an autoencoder.', {
    hint: 'Run train-lm or train-autoencoder first.',
  });

export const noMetrics = (directory: string) =>
  new CalmError('CALM_EXPORT_NOTHING', `No stage of ${directory} has logged anything.`, {
    hint: 'Training stages log: run train-autoencoder or train-lm first.',
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

/** A value of a config.json that no model has. @param problem `must be …` */
export const modelConfigInvalid = (file: string, key: string, value: unknown, problem: string) =>
  new CalmError('CALM_CONFIG_UNSUPPORTED', `${file}: ${key} is ${JSON.stringify(value)}: ${problem}.`, {
    location: { file },
    hint: 'Is it the config.json of this model, and whole?',
  });

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

export const autoencoderMissing = (directory: string) =>
  new CalmError(
    'CALM_AUTOENCODER_MISSING',
    `${directory}: the autoencoder of this language model is not there.`,
    {
      location: { file: directory },
      hint:
        'Put its folder beside the weights as autoencoder/, or import both: calm import DIR ' +
        '--autoencoder DIR.',
    },
  );

export const weightsMissing = (directory: string, names: readonly string[]) =>
  new CalmError('CALM_WEIGHTS_MISSING', `${directory} has no weights.`, {
    location: { file: directory },
    hint: `One of these is looked for: ${names.join(', ')}.`,
  });

export const pickleRefused = (file: string, what: string) =>
  new CalmError('CALM_PICKLE_REFUSED', `${file} holds ${what}. Nothing of it was run.`, {
    location: { file },
    hint:
      'Only dictionaries of tensors are read, as torch.save(model.state_dict(), …) writes them. Ask ' +
      'for the safetensors file.',
  });

export const modelMismatch = (what: string, expected: unknown, found: unknown) =>
  new CalmError('CALM_MODEL_MISMATCH', `${what}: expected ${String(expected)}, found ${String(found)}.`, {
    hint:
      'The artifacts come from different runs. Run the stages again in order (calm run), or correct ' +
      '`inputs:`.',
  });

/** Of a model that `initFrom` names. */
export const startDiffers = (directory: string, key: string, wanted: unknown, found: unknown) =>
  new CalmError(
    'CALM_START',
    `${key} is ${String(wanted)}, and that of the model to begin with (${directory}) is ${String(found)}.`,
    {
      location: { file: directory },
      hint: `Write ${key}: ${String(found)}, or begin with another model.`,
    },
  );

export const startVocabulary = (directory: string, tokenizer: string, wanted: number, found: number) =>
  new CalmError(
    'CALM_START',
    `The corpus has ${wanted} token ids, and the model to begin with (${directory}) knows ${found}.`,
    {
      location: { file: directory },
      hint: `Tokenize with its tokenizer: tokenize.tokenizer: ${tokenizer}`,
    },
  );

export const taskInvalid = (file: string, line: number, problem: string) =>
  new CalmError('CALM_TASK', `A question of ${file} can't be read: line ${line} ${problem}.`, {
    location: { file, line },
    hint: 'docs/tasks.md says what a line has.',
  });

export const taskPattern = (pattern: string, problem: string) =>
  new CalmError('CALM_TASK', `The pattern ${pattern} of a task is no regular expression: ${problem}.`, {
    hint: "Its first group is the answer, as in '#### (-?[0-9]+)'.",
  });

export const noTasks = () =>
  new CalmError('CALM_TASK', 'The measure "tasks" has no task.', {
    hint: 'Name files of questions: evaluate.tasks: questions.jsonl (docs/tasks.md).',
  });

export const taskTooFewExamples = (file: string, wanted: number, found: number) =>
  new CalmError(
    'CALM_TASK',
    `${file} has ${found} questions that can be examples, and ${wanted} are wanted.`,
    {
      location: { file },
      hint: 'Ask for fewer `shots`, or name another file in `shotsFrom`.',
    },
  );

export const pairsNotAligned = (alignedTo: number, patchSize: number) =>
  new CalmError(
    'CALM_PAIRS',
    `Prompts of the corpus end at multiples of ${alignedTo} tokens, so patches of ${patchSize} would have ` +
      'tokens of a prompt and of its completion.',
    { hint: `Set tokenize.alignTo: ${patchSize} (or a multiple).` },
  );

export const headTakesNoWeights = (head: string) =>
  new CalmError(
    'CALM_PAIRS',
    `The head "${head}" can't leave out patches of its loss, and the corpus has prompts, which are not learnt.`,
    { hint: 'Take another head, or give its loss the weights of positions (docs/extending/heads.md).' },
  );

export const nothingLearnt = (split: string) =>
  new CalmError('CALM_PAIRS', `No patch of the ${split} split is to be learnt: no completion fits.`, {
    hint: 'Make sequences longer (patchesPerSequence, tokensPerSequence), so that completions are in them.',
  });

export const startTokenizer = (directory: string, tokenizer: string) =>
  new CalmError(
    'CALM_START',
    `The tokenizer of the corpus is not that of the model to begin with (${directory}): ids mean other text.`,
    {
      location: { file: directory },
      hint: `Tokenize with its tokenizer: tokenize.tokenizer: ${tokenizer}`,
    },
  );

export const startAutoencoderDiffers = (directory: string) =>
  new CalmError(
    'CALM_START',
    `The model to begin with (${directory}) was trained on another autoencoder: its vectors mean other text.`,
    {
      location: { file: directory },
      hint:
        'Take over its autoencoder with the stage import-autoencoder (path: the folder of the autoencoder) ' +
        'instead of training one.',
    },
  );

export const startKind = (directory: string, found: string, wanted: string) =>
  new CalmError('CALM_START', `${directory} is ${found}; training begins with ${wanted} here.`, {
    location: { file: directory },
    hint: 'Name another model, or write another `model:`.',
  });

/** @param key freeze or learningRates */
export const noSuchParameter = (key: string, pattern: string, names: readonly string[]) =>
  new CalmError('CALM_PARAMETER_UNKNOWN', `${key}: no parameter's name is like "${pattern}".`, {
    hint: `${suggest(pattern, names.slice(0, 40))} * stands for any text.`,
  });

export const nothingToLearn = (patterns: readonly string[]) =>
  new CalmError('CALM_PARAMETER_UNKNOWN', `freeze: ${patterns.join(', ')} leaves no parameter to learn.`, {
    hint: 'Freeze fewer.',
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
    `${stage} stopped at step ${step}: ` +
      `${problem}${inARow > 1 ? `, and so it was ${inARow} times in a row` : ''}.`,
    {
      hint: `The state before it is saved, and events.jsonl says which batch it was. ${
        inARow > 1
          ? 'Lower learningRate, raise warmupSteps, or lower maxGradNorm'
          : `Leave such steps out and resume from here (--set ${stage}.onBadStep=skip), or lower learningRate`
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

export const choiceOfTokens = (option: string) =>
  new CalmError(
    'CALM_SAMPLING_OPTION',
    `${option} chooses by the probabilities of tokens, and a CALM gives none.`,
    { hint: `Leave ${option} out; a lower temperature makes the text safer too.` },
  );

export const choiceOfSamples = (option: string) =>
  new CalmError(
    'CALM_SAMPLING_OPTION',
    `${option} is for a CALM, which reaches a temperature by samples; a Transformer knows its distribution.`,
    { hint: `Leave ${option} out; topK and topP choose among the tokens of a Transformer.` },
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
