/** Serial, because the hub's address, cache and token are named by the environment of the process. */

import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CalmError } from 'calm-lm/errors';
import { type FetchOptions, fetchFromHub } from '../../src/hub/fetching.ts';
import { locate, locateData } from '../../src/hub/locate.ts';
import { commitOf, fail, type HubServer, serveHub, sha256 } from '../helpers/hub-server.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const NAMES = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_OFFLINE', 'HF_HUB_CACHE'];
test.beforeEach(() => {
  for (const name of NAMES) delete process.env[name];
  process.env.NO_PROXY = process.env.no_proxy = '127.0.0.1';
});

const WEIGHTS = Buffer.alloc(300_000, 'weights of a model ');
const MODEL = {
  'README.md': '# A model',
  'config.json': '{}',
  'tokenizer.json': '{"a":1}',
  'model.safetensors': WEIGHTS,
  'pytorch_model.bin': 'the same once more',
  'onnx/model.bin': 'nothing for us',
};

async function hubWith(t: ExecutionContext<unknown>): Promise<{ hub: HubServer; cache: string }> {
  const hub = await serveHub(t);
  const cache = temporaryFolder(t);
  Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HOME: cache, HF_HUB_CACHE: join(cache, 'hub') });
  hub.serve({ 'me/model': MODEL });
  return { hub, cache };
}

const fetchModel = (options: FetchOptions = {}) =>
  fetchFromHub('hf:me/model', 'model', { firstWaitMs: 1, ...options });

test.serial(
  'a model is downloaded as Hugging Face’s own cache has it, without what is not needed',
  async (t) => {
    const { hub, cache } = await hubWith(t);
    let last = { doneBytes: 0, totalBytes: 0 };
    await fetchModel({
      onProgress: (progress) => {
        last = progress;
      },
    });
    t.is(last.doneBytes, last.totalBytes);
    const folder = locate('/elsewhere', 'hf:me/model');
    const repository = join(cache, 'hub/models--me--model');
    t.is(folder, join(repository, 'snapshots', commitOf(MODEL)));
    t.is(readFileSync(join(repository, 'refs/main'), 'utf8'), commitOf(MODEL));
    t.deepEqual(readdirSync(folder).sort(), ['config.json', 'model.safetensors', 'tokenizer.json']);
    t.is(readlinkSync(join(folder, 'model.safetensors')), `../../blobs/${sha256(WEIGHTS)}`);
    t.true(readFileSync(join(folder, 'model.safetensors')).equals(WEIGHTS));
    t.deepEqual(
      readdirSync(join(repository, 'blobs')).filter((name) => name.includes('calm')),
      [],
    );
    hub.asked.length = 0;
    await fetchModel();
    t.deepEqual(hub.asked, ['/api/models/me/model/revision/main'], 'nothing is downloaded twice');
  },
);

test.serial('of a tokenizer the weights are not downloaded', async (t) => {
  await hubWith(t);
  await fetchFromHub('hf:me/model', 'tokenizer');
  t.deepEqual(readdirSync(locate('/', 'hf:me/model')).sort(), ['config.json', 'tokenizer.json']);
});

test.serial('a cut download goes on where it was cut, in the same process and in the next', async (t) => {
  const { hub, cache } = await hubWith(t);
  const ranges: (string | undefined)[] = [];
  hub.failBy((request, response, asked) => {
    if (!request.url?.startsWith('/storage/') || request.headers.range === 'bytes=0-0') return false;
    ranges.push(request.headers.range);
    const start = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (asked > 8) return false;
    // Headers promise the rest, of which a part comes.
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': WEIGHTS.length - start });
    response.write(WEIGHTS.subarray(start, start + 30_000), () => response.destroy());
    return true;
  });
  await fetchModel();
  t.true(readFileSync(join(locate('/', 'hf:me/model'), 'model.safetensors')).equals(WEIGHTS));
  t.true(ranges.length >= 4);
  t.is(ranges[0], undefined);
  t.true(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-/.test(range ?? '')));

  // As a process that was killed leaves it.
  const blob = join(cache, 'hub/models--me--model/blobs', sha256(WEIGHTS));
  const second = join(temporaryFolder(t), 'hub');
  process.env.HF_HUB_CACHE = second;
  const partial = blob.replace(join(cache, 'hub'), second);
  await fetchFromHub('hf:me/model', 'tokenizer');
  writeFileSync(`${partial}.calm-incomplete`, WEIGHTS.subarray(0, 100_000));
  hub.failBy(undefined);
  hub.storageHeaders.length = 0;
  await fetchModel();
  t.deepEqual(
    hub.storageHeaders.map(({ range }) => range).filter((range) => range !== 'bytes=0-0'),
    [`bytes=100000-${WEIGHTS.length - 1}`],
  );
  t.true(lstatSync(partial).isFile());
});

test.serial('what is not what the hub says is not kept; a damaged beginning is read anew', async (t) => {
  const { hub, cache } = await hubWith(t);
  const blob = join(cache, 'hub/models--me--model/blobs', sha256(WEIGHTS));
  await fetchFromHub('hf:me/model', 'tokenizer');
  writeFileSync(`${blob}.calm-incomplete`, Buffer.alloc(1000, 'x'));
  hub.failBy((request, response) => {
    if (!request.url?.startsWith('/storage/') || request.headers.range === 'bytes=0-0') return false;
    if (request.headers.range) return false;
    response.end(Buffer.alloc(WEIGHTS.length, 'y'));
    return true;
  });
  await t.throwsAsync(fetchModel, { code: 'CALM_HUB_CHECKSUM', message: /model\.safetensors/ });
  t.false(existsSync(blob));
  t.false(existsSync(`${blob}.calm-incomplete`));
  hub.failBy(undefined);
  writeFileSync(`${blob}.calm-incomplete`, Buffer.alloc(1000, 'x'));
  await fetchModel();
  t.is(sha256(readFileSync(blob)), sha256(WEIGHTS));
});

test.serial('a busy hub is waited for as it asks; a token goes to the hub and not to storage', async (t) => {
  const { hub } = await hubWith(t);
  process.env.HF_TOKEN = 'hf_secret';
  const [waits, tokens]: [string[], unknown[]] = [[], []];
  hub.failBy((request, response, asked) => {
    if (!request.url?.startsWith('/storage/')) tokens.push(request.headers.authorization);
    return (
      asked === 0 && /revision/.test(request.url ?? '') && fail(response, 429, '', { 'retry-after': '1' })
    );
  });
  await fetchModel({ onWait: (problem) => waits.push(problem) });
  t.regex(waits.join(), /429/);
  t.true(tokens.length > 4 && tokens.every((token) => token === 'Bearer hf_secret'));
  t.true(hub.storageHeaders.length > 0);
  t.true(hub.storageHeaders.every(({ authorization }) => authorization === undefined));
});

const refusals: [code: string, status: number, hubCode: string, message: RegExp][] = [
  ['CALM_HUB_NOT_FOUND', 401, 'RepoNotFound', /no such repository.*HF_TOKEN/s],
  ['CALM_HUB_NOT_FOUND', 404, 'RevisionNotFound', /no such revision "main"/],
  ['CALM_HUB_DENIED', 401, 'GatedRepo', /refuses access.*terms on http.*me\/model.*HF_TOKEN/s],
  ['CALM_HUB_DENIED', 403, 'GatedRepo', /refuses access/],
  ['CALM_HUB_REFUSED', 400, '', /answered 400: no: 400/],
  ['CALM_HUB_REFUSED', 500, '', /answered 500.*asked 6 times/],
];
for (const [code, status, hubCode, message] of refusals)
  test.serial(`the hub answers ${status} ${hubCode}`, async (t) => {
    const { hub } = await hubWith(t);
    hub.failBy((_, response) => fail(response, status, hubCode));
    const error = (await t.throwsAsync(fetchModel, { instanceOf: CalmError, code })) as CalmError;
    t.regex(`${error.message} ${error.hint}`, message);
  });

test.serial('without the hub, what was downloaded is taken, and what was not is told', async (t) => {
  const { hub } = await hubWith(t);
  hub.serve({ 'me/model': MODEL, 'datasets/me/texts': { 'train.txt': 'one', 'test.txt': 'two' } });
  t.throws(() => locate('/', 'hf:me/model'), { code: 'CALM_HUB_NOT_HERE' });
  await fetchModel();
  await fetchFromHub('hf:datasets/me/texts', 'data');
  t.deepEqual(
    locateData('hf:datasets/me/texts').map((path) => readFileSync(path, 'utf8')),
    ['one'],
  );
  process.env.HF_HUB_OFFLINE = '1';
  await fetchModel();
  await t.throwsAsync(() => fetchFromHub('hf:datasets/me/texts?split=test', 'data'), {
    code: 'CALM_HUB_NOT_HERE',
  });
  delete process.env.HF_HUB_OFFLINE;
  await hub.close();
  const warnings: string[] = [];
  await fetchModel({ warn: (message) => warnings.push(message) });
  t.regex(warnings.join(), /can't be reached.*taken as it was/);
  await t.throwsAsync(() => fetchFromHub('hf:me/other', 'model', { firstWaitMs: 1 }), {
    code: 'CALM_HUB_UNREACHABLE',
  });
});

test.serial(
  'a new commit of the branch is another snapshot; what did not change is not downloaded again',
  async (t) => {
    const { hub } = await hubWith(t);
    await fetchModel();
    const first = locate('/', 'hf:me/model');
    hub.serve({ 'me/model': { ...MODEL, 'config.json': '{"new":true}' } });
    await fetchModel();
    const second = locate('/', 'hf:me/model');
    t.not(first, second);
    t.is(dirname(first), dirname(second));
    t.is(readFileSync(join(second, 'config.json'), 'utf8'), '{"new":true}');
    t.is(readFileSync(join(first, 'config.json'), 'utf8'), '{}');
    t.false(hub.asked.some((path) => path.startsWith('/storage/')));
  },
);

test.serial('a data set where a model is needed, a file that is not there', async (t) => {
  await hubWith(t);
  await t.throwsAsync(() => fetchFromHub('hf:me/model', 'data'), { code: 'CALM_HUB_ADDRESS' });
  const error = await t.throwsAsync(() => fetchFromHub('hf:me/model/sub', 'model'), {
    code: 'CALM_HUB_FILE_MISSING',
  });
  t.regex((error as CalmError).hint ?? '', /config\.json/);
});
