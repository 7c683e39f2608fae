import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CalmError, type GenerateOptions, type LoadOptions, load, type Model, readLatents } from 'calm-lm';
import { tf } from 'calm-lm/engine';
import builtin from '#plugins';
import { calm, ROOT } from '../helpers/cli.ts';
import { type LibraryRuns, makeLibraryRuns } from '../helpers/library-runs.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { TINY_STAGES, writeTinyProject } from '../helpers/tiny.ts';

let runs: LibraryRuns;
const shared = mkdtempSync(join(tmpdir(), 'calm-test-'));

test.before('runs are made', async (t) => {
  t.timeout(240_000);
  runs = await makeLibraryRuns(shared);
});
test.after.always(() => rmSync(shared, { recursive: true, force: true }));

/** A model that is disposed of when the test is over. The tests of this file run one after the other. */
async function opened(t: ExecutionContext, path: string, options?: LoadOptions): Promise<Model> {
  const model = await load(path, options);
  t.teardown(() => model.dispose());
  return model;
}

const SHORT = { maxTokens: 12, numCandidates: 8 } as const;

/** The pieces of a text, and what the generator returns. */
async function written(model: Model, prompt: string, options: GenerateOptions = {}) {
  const pieces: string[] = [];
  const text = model.generate(prompt, options);
  for (;;) {
    const { done, value } = await text.next();
    if (done) return { pieces, ...value };
    pieces.push(value);
  }
}

const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => '',
    (error: unknown) => (error instanceof CalmError ? error.code : String(error)),
  );

test.serial('a text comes in pieces, and is that of the command with the same seed', async (t) => {
  const args = ['sample', runs.calm, '--seed', '7', '--num-samples', '2', '--max-tokens', '12', '--json'];
  const made = await calm([...args, '--prompt', 'the ', '--num-candidates', '8'], runs.folder);
  const { samples } = JSON.parse(made.stdout);
  const model = await opened(t, runs.calm);
  t.like(model, { kind: 'calm', patchSize: 2, latentSize: 16, seed: 3 });
  for (const index of [0, 1]) {
    const { pieces, ...found } = await written(model, 'the ', { ...SHORT, seed: 7, index });
    t.true(pieces.length > 1);
    t.is(pieces.join(''), found.text);
    const { text, numTokens: tokens, end, draws, fallbacks } = found;
    t.deepEqual({ text, tokens, end, draws, fallbacks }, samples[index]);
  }
  t.not(samples[0].text, samples[1].text);
});

test.serial('options that are absent are those of the stage, and the seed is the run’s', async (t) => {
  const schema = builtin.stages.find(({ name }) => name === 'sample')?.config;
  const { value } = (await schema['~standard'].validate({})) as { value: Record<string, number> };
  const model = await opened(t, runs.calm);
  const { temperature, maxTokens } = value;
  const given = { numCandidates: 200, sampler: 'batch', drawBudget: 20_000, seed: 3, index: 0 } as const;
  const plain = await written(model, 'the ');
  t.deepEqual(plain, await written(model, 'the ', { temperature, maxTokens, ...given }));
  t.is(plain.numTokens, 200);
});

test.serial('a Transformer writes by its distribution, as the command does', async (t) => {
  const flags = ['--temperature', '0.7', '--top-k', '9', '--num-samples', '1', '--max-tokens', '9'];
  const made = await calm(['sample', runs.transformer, ...flags, '--json'], runs.folder);
  const model = await opened(t, runs.transformer);
  t.like(model, { kind: 'transformer', patchSize: 1, latentSize: undefined, seed: 4 });
  const { text, end } = await written(model, '', { temperature: 0.7, topK: 9, maxTokens: 9 });
  t.like(JSON.parse(made.stdout).samples[0], { text, end });
  const refused = written(model, '', { numCandidates: 9 });
  t.is(await codeOf(refused), 'CALM_SAMPLING_OPTION');
});

test.serial('a stop text ends a text', async (t) => {
  const model = await opened(t, runs.calm);
  const whole = await written(model, 'the ', SHORT);
  const stop = [whole.text.slice(4, 6), 'not there'];
  const stopped = await written(model, 'the ', { ...SHORT, stop });
  t.is(stopped.end, 'stop');
  t.is(stopped.text, whole.text.slice(0, whole.text.indexOf(stop[0])));
  t.is(stopped.pieces.join(''), stopped.text);
  t.true(stopped.numTokens < whole.numTokens);
});

test.serial('texts, vectors and scores at once are what they are one after the other', async (t) => {
  const model = await opened(t, runs.calm);
  const other = await opened(t, runs.transformer);
  const work = [
    () => written(model, 'the ', { ...SHORT, seed: 1 }),
    () => written(model, 'of a nation and a longer prompt than the others ', { ...SHORT, seed: 2 }),
    () => written(model, 'the ', { ...SHORT, seed: 1, sampler: 'exact', drawBudget: 40 }),
    () => written(other, 'the ', { maxTokens: 12, seed: 3 }),
    () => model.encode(runs.texts[0]),
    () => model.score(runs.texts.slice(0, 2), { patchesPerSequence: 16 }),
    () => other.score(runs.texts.slice(0, 1), { patchesPerSequence: 16 }),
  ];
  const expected: unknown[] = [];
  for (const each of work) expected.push(await each());
  t.deepEqual(await Promise.all(work.map((each) => each())), expected);
});

test.serial('calls take turns: a text inside the loop of another does not wait for ever', async (t) => {
  const model = await opened(t, runs.calm);
  const found: string[] = [];
  for await (const piece of model.generate('the ', SHORT)) {
    found.push(piece);
    for await (const inner of model.generate('and ', SHORT)) found.push(inner);
    await model.encode('of');
    break;
  }
  t.true(found.length > 2);
});

test.serial('nothing is left of texts that end, are left or are aborted', async (t) => {
  const before = tf.memory().numTensors;
  const model = await load(runs.calm);
  const other = await load(runs.transformer);
  const leave = async (leftModel: Model) => {
    for await (const _ of leftModel.generate('the ', { maxTokens: 40 })) break;
  };
  const abort = async (abortedModel: Model) => {
    const controller = new AbortController();
    const onTokens = () => controller.abort(new Error('enough'));
    const aborted = written(abortedModel, 'the ', { maxTokens: 40, signal: controller.signal, onTokens });
    await t.throwsAsync(aborted, { message: 'enough' });
  };
  const abortInside = async () => {
    // While candidates are compared.
    const signal = AbortSignal.timeout(1);
    await written(model, 'the ', { maxTokens: 400, numCandidates: 400, temperature: 0.1, signal }).catch(
      () => {},
    );
    await model.score(runs.texts, { signal: AbortSignal.timeout(1) }).catch(() => {});
    await other.score(runs.texts, { signal: AbortSignal.timeout(1) }).catch(() => {});
  };
  await written(model, 'the ', SHORT);
  await model.decode((await model.encode('the people')).latents);
  await other.score(runs.texts.slice(0, 1), { patchesPerSequence: 16 });
  const loaded = tf.memory().numTensors;
  t.true(loaded > before);
  for (let i = 0; i < 20; i++) await written(model, 'the ', { ...SHORT, seed: i });
  t.is(tf.memory().numTensors, loaded);
  for (const each of [model, other]) {
    await leave(each);
    await abort(each);
  }
  await abortInside();
  t.is(tf.memory().numTensors, loaded);
  await model.decode((await model.encode(runs.texts[0])).latents);
  await model.score(runs.texts.slice(0, 2));
  t.is(tf.memory().numTensors, loaded);
  await Promise.all([model.dispose(), other.dispose()]);
  t.is(tf.memory().numTensors, before);
});

test.serial('a prompt that is longer than what the model was trained on is told once', async (t) => {
  for (const [run, unit, trained] of [
    [runs.calm, 'patches', 16],
    [runs.transformer, 'tokens', 32],
  ] as const) {
    const warnings: string[] = [];
    const model = await load(run, { onWarning: (warning) => warnings.push(warning) });
    t.teardown(() => model.dispose());
    for (const prompt of ['the people', runs.texts[0], runs.texts[0]])
      await written(model, prompt, { maxTokens: 4 });
    t.is(warnings.length, 1);
    t.regex(warnings[0], new RegExp(`^the prompt has \\d+ ${unit}, .* trained on sequences of ${trained}:`));
  }
});

test.serial('a signal that is aborted throws its reason', async (t) => {
  const model = await opened(t, runs.calm);
  const signal = AbortSignal.abort(new Error('no'));
  await t.throwsAsync(written(model, '', { signal }), { message: 'no' });
  await t.throwsAsync(model.encode('the', { signal }), { message: 'no' });
  await t.throwsAsync(model.score(runs.texts, { signal }), { message: 'no' });
});

test.serial('a text comes back from its vectors', async (t) => {
  const model = await opened(t, runs.calm);
  for (const text of ['', 't', 'the', runs.texts[3]]) {
    const { tokens, latents } = await model.encode(text);
    t.deepEqual([...tokens], [...Buffer.from(text)]);
    t.like(latents, { numPatches: Math.ceil(text.length / 2), numTokens: text.length, latentSize: 16 });
    t.is(latents.mean.length, latents.numPatches * 16);
    t.is(await model.decode(latents), text);
  }
  const { latents } = await model.encode(runs.texts[2].slice(0, 100));
  t.is(await model.decode(latents.mean), runs.texts[2].slice(0, 100), 'vectors alone');
});

test.serial('calm encode and calm decode: text to safetensors and back, byte for byte', async (t) => {
  const folder = temporaryFolder(t);
  const text = runs.texts[1];
  writeFileSync(join(folder, 'a.txt'), text);
  const made = await calm(['encode', runs.calm, 'a.txt', '--to', 'a.safetensors', '--json'], folder);
  t.is(made.code, 0, made.stderr);
  t.like(JSON.parse(made.stdout), { numTokens: text.length, patchSize: 2, latentSize: 16 });
  const back = await calm(['decode', runs.calm, 'a.safetensors'], folder);
  t.is(back.stdout, text, back.stderr);
  const model = await opened(t, runs.calm);
  t.deepEqual(await readLatents(join(folder, 'a.safetensors')), (await model.encode(text)).latents);
  const other = await calm(
    ['decode', join(runs.calm, 'train-lm/model'), 'a.safetensors', '--to', 'b.txt'],
    folder,
  );
  t.is(other.code, 0, other.stderr);
  t.is(readFileSync(join(folder, 'b.txt'), 'utf8'), text);
});

test.serial('latents of another model, or none at all, are refused', async (t) => {
  const model = await opened(t, runs.calm);
  const { latents } = await model.encode('the people');
  const refused = async (given: Parameters<Model['decode']>[0], expected: RegExp) => {
    const error = await t.throwsAsync(model.decode(given), { instanceOf: CalmError, code: 'CALM_LATENTS' });
    t.regex(error?.message ?? '', expected);
  };
  await refused(
    { ...latents, autoencoder: 'f'.repeat(64) },
    /of another autoencoder: its hash is ffffffffffff…/,
  );
  await refused({ ...latents, tokenizer: 'f'.repeat(64) }, /of another tokenizer/);
  await refused({ ...latents, patchSize: 4 }, /for 4 tokens, and the model has 16 for 2/);
  await refused({ ...latents, mean: latents.mean.subarray(1) }, /79 numbers are not 5 vectors of 16/);
  await refused(latents.mean.subarray(1), /79 numbers are no vectors of 16/);
  const folder = temporaryFolder(t);
  const messageOf = async (args: string[]) => (await calm(args, folder)).stderr;
  cpSync(join(runs.calm, 'train-lm/model/model.safetensors'), join(folder, 'm.safetensors'));
  t.regex(
    await messageOf(['decode', runs.calm, 'm.safetensors']),
    /CALM_LATENTS .*\n.*holds no latents of a text/,
  );
  t.regex(await messageOf(['decode', runs.calm, 'n.safetensors']), /CALM_FILE_MISSING/);
  writeFileSync(join(folder, 'latin.txt'), Buffer.from([0x63, 0xe9]));
  const args = ['encode', runs.calm, 'latin.txt', '--to', 'l.safetensors'];
  t.regex(await messageOf(args), /CALM_TEXT[\s\S]*is not UTF-8/);
  t.regex(await messageOf(['encode', runs.calm, 'a.txt', '--to', 'l.safetensors']), /a\.txt does not exist/);
  t.regex(await messageOf(['encode', runs.calm, 'latin.txt']), /--to FILE is missing/);
  t.regex(
    await messageOf(['encode', runs.transformer, 'latin.txt', '--to', 'x']),
    /CALM_TEXT|CALM_MODEL_KIND/,
  );
});

test.serial('what a model can’t do is refused with the reason', async (t) => {
  const transformer = await opened(t, runs.transformer);
  t.is(await codeOf(transformer.encode('the')), 'CALM_MODEL_KIND');
  t.is(await codeOf(transformer.decode(new Float32Array(16))), 'CALM_MODEL_KIND');
  const autoencoder = await opened(t, join(runs.calm, 'train-autoencoder/autoencoder'));
  t.like(autoencoder, { kind: 'autoencoder', patchSize: 2, latentSize: 16 });
  t.is(await autoencoder.decode((await autoencoder.encode('the people')).latents), 'the people');
  t.is(await codeOf(written(autoencoder, 'the ')), 'CALM_MODEL_KIND');
  t.is(await codeOf(autoencoder.score(runs.texts)), 'CALM_MODEL_KIND');
});

test.serial('the autoencoder of a run and the one inside its language model are the same', async (t) => {
  const [whole, part] = [
    await opened(t, runs.calm),
    await opened(t, join(runs.calm, 'train-autoencoder/autoencoder')),
  ];
  t.deepEqual(await whole.encode('the people'), await part.encode('the people'));
});

test.serial('options out of range are errors that name them', async (t) => {
  const model = await opened(t, runs.calm);
  const wrong: [GenerateOptions, RegExp][] = [
    [{ maxTokens: 0 }, /^maxTokens must be a whole number, 1 or more, and is 0\.$/],
    [{ seed: -1 }, /^seed must be/],
    [{ stop: [''] }, /^stop must be a list of texts, none of them empty/],
    [{ stop: 'x' as never }, /^stop must be/],
    [{ sampler: 'best' as never }, /^sampler must be "batch" or "exact"/],
    [{ temperature: 2 }, /temperature must lie in \(0, 1\]/],
    [{ topK: 3 }, /topK chooses by the probabilities of tokens/],
  ];
  for (const [options, expected] of wrong)
    await t.throwsAsync(written(model, '', options), { instanceOf: CalmError, message: expected });
  await t.throwsAsync(model.score(['']), { code: 'CALM_TOO_FEW_TOKENS' });
  await t.throwsAsync(model.score(runs.texts, { numSamples: 1 }), { message: /numSamples must be/ });
});

test.serial('the score of texts is that of calm eval brierlm on them', async (t) => {
  // The configuration of the first asks for shorter sequences than is usual, and the command does as it says.
  for (const [path, patchesPerSequence] of [
    [runs.calm, TINY_STAGES.evaluate.patchesPerSequence],
    [runs.transformer, undefined],
  ] as const) {
    const flags = ['--corpus', 'texts/*.txt', '--num-sequences', '1000', '--json'];
    const measured = await calm(['eval', 'brierlm', path, ...flags], runs.folder);
    t.is(measured.code, 0, measured.stderr);
    const model = await opened(t, path);
    const told: number[][] = [];
    const onProgress = (done: number, all: number) => told.push([done, all]);
    const score = await model.score(runs.texts, { patchesPerSequence, onProgress });
    const { protocol: _, ...expected } = JSON.parse(measured.stdout);
    t.like(score, expected);
    t.true(score.interval && score.interval.brierLM[0] <= score.brierLM);
    t.deepEqual(told.at(-1), [told[0][1], told[0][1]]);
  }
});

test.serial('a short text is scored as one sequence', async (t) => {
  const model = await opened(t, runs.calm);
  const { numWindows, interval } = await model.score([runs.texts[0].slice(0, 41)]);
  t.is(numWindows, 41 / 2 + 0.5 - 1 - 2);
  t.is(interval, undefined);
});

test.serial('a saved step of the model, and a run whose language model has not finished', async (t) => {
  const text = async (options?: LoadOptions) => {
    const model = await load(runs.calm, options);
    const { text: made } = await written(model, 'the ', SHORT);
    await model.dispose();
    return made;
  };
  t.is(await text({ checkpoint: 'latest' }), await text());
  const command = ['sample', runs.calm, '--checkpoint', '30', '--max-tokens', '12', '--json'];
  const made = await calm([...command, '--prompt', 'the ', '--num-candidates', '8'], runs.folder);
  t.is(await text({ checkpoint: 30 }), JSON.parse(made.stdout).samples[0].text);
  const folder = temporaryFolder(t);
  cpSync(runs.calm, join(folder, 'run'), { recursive: true });
  rmSync(join(folder, 'run/train-lm'), { recursive: true });
  t.is((await opened(t, join(folder, 'run'))).kind, 'autoencoder');
});

test.serial('a model that is disposed of is an error that says so; texts under way end', async (t) => {
  const model = await load(runs.calm);
  const text = model.generate('the ', { maxTokens: 100 });
  await text.next();
  await model.dispose();
  await model[Symbol.asyncDispose]();
  t.is(await codeOf(text.next()), 'CALM_MODEL_DISPOSED');
  t.is(await codeOf(written(model, '')), 'CALM_MODEL_DISPOSED');
  t.is(await codeOf(model.encode('the')), 'CALM_MODEL_DISPOSED');
  t.is(await codeOf(model.score(runs.texts)), 'CALM_MODEL_DISPOSED');
  const scored = await load(runs.calm);
  const score = codeOf(scored.score(runs.texts));
  await scored.dispose();
  t.is(await score, 'CALM_MODEL_DISPOSED');
});

test.serial('a process has one engine; another one when its models are disposed of', async (t) => {
  const model = await load(runs.calm, { engine: 'onnx' });
  t.is(model.engine, 'onnx');
  t.is(await codeOf(load(runs.transformer, { engine: 'wasm' })), 'CALM_ENGINE_TAKEN');
  const other = await load(runs.transformer);
  t.is(other.engine, 'onnx');
  await model.dispose();
  t.is(await codeOf(load(runs.calm, { engine: 'cpu' })), 'CALM_ENGINE_TAKEN');
  await other.dispose();
  const wasm = await opened(t, runs.calm, { engine: 'wasm' });
  t.is(wasm.engine, 'wasm');
  t.is((await written(wasm, 'the ', SHORT)).numTokens, 12);
  t.is(await codeOf(load(runs.calm, { engine: 'none' })), 'CALM_ENGINE_TAKEN');
});

test.serial('a folder that holds no model is an error that names it', async (t) => {
  const folder = temporaryFolder(t);
  t.is(await codeOf(load(join(folder, 'none'))), 'CALM_MODEL_MISSING');
  t.is(await codeOf(load(folder)), 'CALM_RUN_NONE');
  t.is(await codeOf(load(runs.calm, { variant: 'train-lmm' })), 'CALM_STAGE_NOT_IN_CONFIG');
  t.is(await codeOf(load(runs.calm, { engine: 'none' })), 'CALM_ENGINE_UNKNOWN');
  t.is(await codeOf(load(runs.calm, { headSampling: { steps: 3 } })), 'CALM_HEAD_OPTION');
});

test.serial('a head of the run’s plugins is there', async (t) => {
  const folder = temporaryFolder(t);
  const installed = join(folder, 'node_modules');
  mkdirSync(installed);
  symlinkSync(ROOT, join(installed, 'calm-lm'));
  symlinkSync(join(ROOT, 'node_modules/zod'), join(installed, 'zod'));
  cpSync(join(ROOT, 'test/fixtures/calm-plugin-gaussian'), join(installed, 'calm-plugin-gaussian'), {
    recursive: true,
  });
  const config = writeTinyProject(folder, {}, { plugins: ['calm-plugin-gaussian'] });
  const text = readFileSync(config, 'utf8').replace(/ {4}head:\n(?: {6}.*\n)+/, '    head: gaussian\n');
  writeFileSync(config, text);
  const run = await calm(['run', config, '--until', 'train-lm'], folder);
  t.is(run.code, 0, run.stderr);
  const model = await opened(t, join(folder, 'runs/tiny'));
  t.is((await written(model, 'the ', SHORT)).numTokens, 12);
});
