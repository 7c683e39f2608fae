/**
 * A model behind an endpoint, evaluated by the pipeline: stopped in every way and resumed, and told apart
 * from other settings.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { RunningCli } from '../helpers/cli.ts';
import { type Answer, complete, serveCompletions, textsFor } from '../helpers/completions-server.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES, tinyText } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

const WINDOWS = 12;
const environment = { OPENAI_API_KEY: 'sk-0123456789' };

function writeProject(folder: string, endpoint: string): void {
  mkdirSync(join(folder, 'texts'));
  for (let i = 0; i < 10; i++) writeFileSync(join(folder, 'texts', `${i}.txt`), tinyText(i));
  const stages = {
    tokenize: TINY_STAGES.tokenize,
    'evaluate-endpoint': { endpoint, numWindows: WINDOWS, contextTokens: 32, retries: 1 },
  };
  writeFileSync(join(folder, 'calm.yaml'), stringify({ name: 'there', seed: 3, stages }));
}

const good: Answer = (asked, response) => complete(response, textsFor(asked));

/** What the pipeline ends with, and the prompts that it took. */
async function evaluate(t: ExecutionContext, folder: string, ...args: string[]) {
  const run = await calm(['run', 'calm.yaml', '--json', ...args], folder, environment);
  t.is(run.code, 0, run.stderr);
  const { stages } = JSON.parse(run.stdout) as { stages: { metrics: Record<string, unknown> }[] };
  const { endpoint: _, ...found } = stages[1].metrics;
  return found;
}

/** The lines of the file that windows are kept in while the stage is at work; none where it is not there. */
function keptLines(folder: string): string[] {
  try {
    const files = readdirSync(join(folder, 'runs'), { recursive: true, encoding: 'utf8' });
    const file = files.find((name) => name.endsWith('windows.jsonl'));
    return file === undefined
      ? []
      : readFileSync(join(folder, 'runs', file), 'utf8')
          .split('\n')
          .slice(0, -1);
  } catch (error) {
    // It is looked at while the command makes and removes folders.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

test(
  'an evaluation that was refused, killed or interrupted resumes with exactly what is ' + 'missing',
  async (t) => {
    let answer: Answer = good;
    const server = await serveCompletions(t, (...given) => answer(...given));
    const undisturbed = temporaryFolder(t);
    writeProject(undisturbed, server.endpoint);
    const expected = await evaluate(t, undisturbed, '--set', 'evaluate-endpoint.concurrency=1');
    const prompts = server.asked.splice(0).map(({ prompt }) => prompt);
    t.true(prompts.length > 8);

    const folder = temporaryFolder(t);
    writeProject(folder, server.endpoint);
    const done = new Set<string>();
    /** Answers so many prompts and treats those after them otherwise. */
    const only =
      (numGood: number, otherwise: Answer): Answer =>
      (asked, ...rest) => {
        if (done.size >= numGood) return otherwise(asked, ...rest);
        t.false(done.has(asked.prompt), 'asked again');
        done.add(asked.prompt);
        good(asked, ...rest);
      };

    answer = only(3, (_, response) => response.writeHead(400).end('no more'));
    const refused = await calm(['run', 'calm.yaml'], folder, environment);
    t.is(refused.code, 1);
    t.regex(
      refused.stderr,
      new RegExp(`CALM_ENDPOINT_REFUSED[\\s\\S]*\\b3 of ${prompts.length}\\s+windows\\s+are\\s+kept`),
    );
    t.is(keptLines(folder).length, 3);

    for (const [numGood, signal, code] of [
      [5, 'SIGKILL', null],
      [7, 'SIGINT', 130],
    ] as const) {
      answer = only(numGood, () => {});
      const running = new RunningCli(['run', 'calm.yaml'], folder, environment);
      const stopped = await running.signalWhen(() => keptLines(folder).length >= numGood, signal);
      t.is(stopped.code, code, stopped.stderr);
      t.is(keptLines(folder).length, numGood);
    }

    answer = only(prompts.length, good);
    t.deepEqual(await evaluate(t, folder), expected);
    t.deepEqual([...done].sort(), [...new Set(prompts)].sort());
  },
);

test(
  'windows of another model are not mistaken for this one’s, and how it is asked changes ' + 'nothing',
  async (t) => {
    const server = await serveCompletions(t, (asked, response, _, index) =>
      asked.model === 'old' && index >= 3
        ? response.writeHead(400).end('no')
        : complete(response, textsFor(asked)),
    );
    const folder = temporaryFolder(t);
    writeProject(folder, server.endpoint);
    const set = (value: string) => ['--set', `evaluate-endpoint.${value}`];
    const old = await calm(['run', 'calm.yaml', ...set('model=old')], folder, environment);
    t.is(old.code, 1);
    server.asked.length = 0;
    const found = await evaluate(t, folder, ...set('model=new'));
    const { numWindows } = found.brierlm as { numWindows: number };
    t.is(server.asked.filter(({ model }) => model === 'new').length, numWindows);
    // Nothing of this is part of the result.
    const same = [
      'concurrency=7',
      'retries=0',
      'timeoutSeconds=9',
      'maxRetryAfterSeconds=9',
      'apiKeyVariable=X',
    ];
    t.deepEqual(await evaluate(t, folder, ...set('model=new'), ...same.flatMap(set)), found);
    t.is(server.asked.length, numWindows);
  },
);

test('no secret comes into what is shown or kept', async (t) => {
  const server = await serveCompletions(t, (asked, response, { headers }, index) => {
    t.is(headers.authorization, 'Bearer sk-0123456789');
    if (index < 2) complete(response, textsFor(asked));
    else response.writeHead(401).end(`wrong key: ${headers.authorization}`);
  });
  const folder = temporaryFolder(t);
  writeProject(folder, server.endpoint);
  const run = await calm(['run', 'calm.yaml'], folder, environment);
  t.regex(run.stderr, /wrong key: Bearer \*\*\*/);
  const held = 'http://me:sk-0123456789@127.0.0.1/v1';
  const address = await calm(
    ['run', 'calm.yaml', '--set', `evaluate-endpoint.endpoint=${held}`],
    folder,
    environment,
  );
  t.regex(address.stderr, /CALM_CONFIG_INVALID[\s\S]*no user name and no password/);
  const pasted = await calm(
    ['run', 'calm.yaml', '--set', 'evaluate-endpoint.apiKeyVariable=sk-0123456789'],
    folder,
    environment,
  );
  t.regex(pasted.stderr, /CALM_CONFIG_INVALID[\s\S]*name of an environment variable/);
  const broken = await calm(['run', 'calm.yaml'], folder, {
    ...environment,
    OPENAI_API_KEY: 'sk-0123456789\n',
  });
  t.regex(broken.stderr, /CALM_ENDPOINT_KEY[\s\S]*OPENAI_API_KEY/);
  for (const { stdout, stderr } of [run, address, pasted, broken]) t.notRegex(stdout + stderr, /sk-0/);
  for (const file of readdirSync(join(folder, 'runs'), { recursive: true, withFileTypes: true }))
    if (file.isFile())
      t.notRegex(readFileSync(join(file.parentPath, file.name), 'latin1'), /sk-0/, file.name);
});
