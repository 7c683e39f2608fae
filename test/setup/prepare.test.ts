/** What `calm init` makes of texts and wishes, without measuring. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parse } from 'yaml';
import plugin from '#plugins';
import { checkConfig, makePlan, parseConfig, Registry } from '../../src/pipeline/index.ts';
import { prepare, surveyFolder, totalSeconds } from '../../src/setup/index.ts';
import { RECIPES } from '../../src/setup/recipes.ts';
import { stagesOf } from '../../src/setup/stages.ts';
import { configText, starterStages } from '../../src/setup/starter.ts';
import { ROOT } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { tinyText } from '../helpers/tiny.ts';

const registry = new Registry();
registry.addPlugin(plugin);

/** So many files of about so many bytes. */
async function texts(t: ExecutionContext, numFiles: number, bytes: number, parted = ' ') {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'texts'));
  for (let i = 0; i < numFiles; i++) {
    const text = tinyText(i, Math.ceil(bytes / 25)).replaceAll('. ', `.${parted}`);
    writeFileSync(join(folder, 'texts', `${i}.txt`), text.slice(0, bytes));
  }
  return { folder, survey: await surveyFolder(folder, folder) };
}

type Given = Awaited<ReturnType<typeof texts>>;

function prepared({ folder, survey }: Given, minutes: number, tokenizer?: string) {
  return prepare(survey, { minutes, tokenizer, base: folder, measuring: undefined }, registry);
}

test('more minutes are more steps, then a larger K; the time is kept', async (t) => {
  const given = await texts(t, 40, 25_000);
  const found = [];
  for (const minutes of [2, 5, 10]) {
    const { proposal } = await prepared(given, minutes, 'bytes');
    const total = totalSeconds(proposal.seconds);
    t.true(total <= 60 * minutes && total > 0.85 * 60 * minutes, `${minutes}: ${total}`);
    found.push({ patchSize: proposal.recipe.patchSize, steps: proposal.steps });
  }
  t.deepEqual(
    found.map(({ patchSize }) => patchSize),
    [2, 2, 4],
  );
  t.true(found[0].steps < found[1].steps);
});

test('where nobody chose a tokenizer, text and time decide', async (t) => {
  const [large, small] = [await texts(t, 40, 26_000), await texts(t, 40, 10_000)];
  const tokenizerOf = async (given: Given, minutes: number) =>
    (await prepared(given, minutes)).stages.tokenize.tokenizer;
  t.is(await tokenizerOf(large, 10), 'bpe');
  t.is(await tokenizerOf(large, 1), 'bytes');
  t.is(await tokenizerOf(small, 10), 'bytes');
});

test('too little time gives the fewest steps of the first recipe, and says so', async (t) => {
  const { proposal } = await prepared(await texts(t, 40, 25_000), 0.1, 'bytes');
  t.like(proposal.recipe, { tokenizer: 'bytes', patchSize: 2 });
  t.like(proposal, { steps: RECIPES[0].leastSteps, limit: 'time' });
  t.true(totalSeconds(proposal.seconds) > 6);
});

test('more time than a text is worth does not make more steps', async (t) => {
  const given = await texts(t, 20, 5000);
  const [hour, day] = [await prepared(given, 60), await prepared(given, 1440)];
  t.is(hour.proposal.limit, 'text');
  t.is(day.proposal.steps, hour.proposal.steps);
  t.is(day.stages['train-lm'].bestMetric, 'validationLoss');
});

test('each split gets text: by more files, by paragraphs, by lines', async (t) => {
  const many = await prepared(await texts(t, 100, 2000), 2);
  t.like(many.holding, { documents: 'file', validationFraction: 0.05 });
  const few = await prepared(await texts(t, 20, 12_000), 2);
  t.like(few.holding, { documents: 'file', validationFraction: 0.2 });
  const paragraphs = await prepared(await texts(t, 2, 60_000, '\n\n'), 2);
  t.like(paragraphs.holding, { documents: 'paragraph', validationFraction: 0.05 });
  t.deepEqual(paragraphs.corpus, [{ files: 'texts/*.txt', documents: 'paragraph' }]);
  const lines = await prepared(await texts(t, 1, 60_000, '\n'), 2);
  t.is(lines.holding.documents, 'line');
  for (const { holding } of [many, few, paragraphs, lines]) {
    const { trainBytes, heldOutBytes } = holding;
    t.true(heldOutBytes >= 32 * 128 && heldOutBytes < 0.3 * trainBytes, JSON.stringify(holding));
  }
});

test('too little text is an error that says what to do', async (t) => {
  const tiny = await texts(t, 1, 300, '\n');
  await t.throwsAsync(prepared(tiny, 2), { code: 'CALM_CORPUS_SMALL', message: /290 bytes/ });
  const oneLine = await texts(t, 1, 20_000);
  const error = await t.throwsAsync(prepared(oneLine, 2), { code: 'CALM_CORPUS_SMALL', message: /one line/ });
  t.regex(String((error as { hint?: string }).hint), /blank lines/);
});

test('a BPE vocabulary is as large as the text allows', async (t) => {
  const small = await prepared(await texts(t, 40, 10_000), 5, 'bpe');
  t.is(small.stages.tokenize.vocabSize, 800);
  const large = await prepared(await texts(t, 40, 50_000), 5, 'bpe');
  t.is(large.stages.tokenize.vocabSize, 1536);
});

test('what is written is the starter with other values, its comments included', async (t) => {
  const given = await texts(t, 40, 10_000);
  const { corpus, stages } = await prepared(given, 5);
  const text = await configText({ head: ['Written for a test.'], engine: 'wasm', corpus, stages });
  t.true(text.startsWith('# Written for a test.\n'));
  t.regex(text, /patchSize: 2 # K, tokens a patch/);
  t.true(text.split('\n').every((line) => line.length <= 110));
  const written = parse(text) as { engine: string; stages: Record<string, Record<string, unknown>> };
  t.is(written.engine, 'wasm');
  t.deepEqual(written.stages.tokenize, {
    corpus: 'texts/*.txt',
    tokenizer: 'bytes',
    validationFraction: 0.1,
  });
  t.is(written.stages['train-lm'].steps, stages['train-lm'].steps);
  const file = join(given.folder, 'calm.yaml');
  const plan = await makePlan(checkConfig(parseConfig(file, text)), registry);
  t.is(plan.stages.length, 6);
});

/** Keys that say how long a training is and how often it is looked at. */
const OF_LENGTH = new Set([
  'steps',
  'warmupSteps',
  'logEvery',
  'checkpointEvery',
  'evaluateEvery',
  'evaluateSequences',
]);

test('recipes are what they say they are, and their numbers stand where they say', async (t) => {
  const starter = await starterStages();
  const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
  for (const recipe of RECIPES) {
    for (const { brierLM, source } of recipe.recorded) t.true(read(source).includes(String(brierLM)), source);
    if (!recipe.like) continue;
    const stages = stagesOf(starter, recipe);
    const { stages: like } = parse(read(recipe.like)) as { stages: typeof stages };
    for (const id of ['train-autoencoder', 'train-lm'])
      for (const [key, value] of Object.entries(like[id]))
        if (!OF_LENGTH.has(key)) t.deepEqual(stages[id][key], value, `${recipe.like}: ${id}.${key}`);
    t.is(recipe.autoencoder.steps, like['train-autoencoder'].steps as number, recipe.like);
  }
});
