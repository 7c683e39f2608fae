import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readSafetensors, type StoredTensor, writeSafetensors } from 'calm-lm/artifacts';
import { ROOT } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { type Folders, GOLDEN, writeFolders } from '../helpers/released-model.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const calm = calmInOneProcess(test);

const importModel = ({ model, autoencoder }: Folders, folder: string, name = 'imported') =>
  calm(['import', model, '--autoencoder', autoencoder, '--name', name, '--json'], folder);

const sample = async (folder: string, run = 'runs/imported') => {
  const { code, stdout, stderr } = await calm(
    [
      'sample',
      run,
      '--prompt',
      'ABCD',
      '--max-tokens',
      '8',
      '--num-samples',
      '2',
      '--engine',
      'onnx',
      '--json',
    ],
    folder,
  );
  if (code !== 0) throw new Error(stdout + stderr);
  return JSON.parse(stdout).samples as { text: string }[];
};

test(
  'a model is imported under any of its names, sampled from, exported, and imported again with the ' +
    'same bits',
  async (t) => {
    const folder = temporaryFolder(t);
    const whole = await importModel(await writeFolders(folder), folder);
    t.is(whole.code, 0, whole.stderr);
    t.regex(whole.stderr, /keys that are not known here and were left out: surprise/);
    t.like(JSON.parse(whole.stdout).stages[0].metrics, {
      head: 'energy',
      patchSize: 4,
      latentSize: 6,
      vocabSize: 53,
    });
    const expected = await sample(folder);

    // Without the second names, and without the frozen autoencoder.
    const other = join(folder, 'other');
    mkdirSync(other);
    const bare = await importModel(
      await writeFolders(
        other,
        (name) => !name.startsWith('mlp_generator.') && !name.startsWith('ae_model.'),
      ),
      other,
    );
    t.is(bare.code, 0, bare.stderr);
    t.deepEqual(await sample(other), expected);

    const exported = await calm(['export', 'runs/imported', '--to', 'out', '--json'], folder);
    t.is(exported.code, 0, exported.stderr + exported.stdout);
    const [before, after] = [
      await readSafetensors(join(GOLDEN, 'weights.safetensors')),
      await readSafetensors(join(folder, 'out/model.safetensors')),
    ];
    t.deepEqual([...after.keys()].sort(), [...before.keys()].sort());
    for (const [name, tensor] of before) t.deepEqual(after.get(name), tensor, name);
    const config = JSON.parse(readFileSync(join(folder, 'out/config.json'), 'utf8'));
    t.like(config, { hidden_size: 32, patch_size: 4, mlp_bias: false });
    t.is(config.ae_path, join(folder, 'out/autoencoder'));
    t.true(
      existsSync(join(folder, 'out/README.md')) &&
        existsSync(join(folder, 'out/autoencoder/model.safetensors')),
    );
    t.is((await calm(['export', 'runs/imported', '--to', 'out'], folder)).code, 1);
    const again = await importModel(
      { model: join(folder, 'out'), autoencoder: join(folder, 'out/autoencoder') },
      folder,
      'again',
    );
    t.is(again.code, 0, again.stderr);
    t.deepEqual(await sample(folder, 'runs/again'), expected);
    // It is found inside the folder also after a move, and without being named.
    renameSync(join(folder, 'out'), join(folder, 'moved'));
    const moved = await calm(['import', 'moved', '--name', 'moved', '--json'], folder);
    t.is(moved.code, 0, moved.stderr + moved.stdout);
    t.deepEqual(await sample(folder, 'runs/moved'), expected);
  },
);

test('what does not fit is refused before anything is kept', async (t) => {
  const folder = temporaryFolder(t);
  const attempt = async (change: (folders: Folders) => void | Promise<void>) => {
    const own = temporaryFolder(t);
    const folders = await writeFolders(own);
    await change(folders);
    const { code, stdout } = await importModel(folders, own);
    t.is(code, 1);
    t.false(existsSync(join(own, 'runs/imported')), 'nothing is left behind');
    return JSON.parse(stdout).error as { code: string; message: string };
  };
  const file = ({ model }: Folders) => join(model, 'model.safetensors');
  const changed = async (folders: Folders, change: (tensors: Map<string, StoredTensor>) => void) => {
    const tensors = await readSafetensors(file(folders));
    change(tensors);
    await writeSafetensors(file(folders), tensors);
  };
  const missing = await attempt((folders) =>
    changed(folders, (tensors) => tensors.delete('embed_proj.2.bias')),
  );
  t.like(missing, { code: 'CALM_TENSOR_MISSING' });
  t.regex(missing.message, /embed_proj\.2\.bias/);
  t.is(
    (
      await attempt((folders) =>
        changed(folders, (tensors) =>
          tensors.set('embed_proj.2.bias', { shape: [3], data: new Float32Array(3) }),
        ),
      )
    ).code,
    'CALM_TENSOR_SHAPE',
  );
  t.is((await attempt((folders) => truncateSync(file(folders), 5000))).code, 'CALM_ARTIFACT_BROKEN');
  const header = Buffer.alloc(16);
  header.writeBigUInt64LE(2n ** 60n);
  t.regex((await attempt((folders) => writeFileSync(file(folders), header))).message, /header claims/);
  t.is(
    (
      await attempt((folders) => {
        cpSync(join(ROOT, 'test/fixtures/pytorch/call.bin'), join(folders.model, 'pytorch_model.bin'));
        renameSync(file(folders), join(folder, 'away'));
      })
    ).code,
    'CALM_PICKLE_REFUSED',
  );
  t.is(
    (await attempt((folders) => cpSync(join(folders.autoencoder, 'model.safetensors'), file(folders)))).code,
    'CALM_ARCHITECTURE',
  );
  const reconfigure = (folders: Folders, change: object) => {
    const path = join(folders.model, 'config.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
  };
  t.regex(
    (await attempt((folders) => reconfigure(folders, { rope_scaling: { type: 'linear' } }))).message,
    /ropeScaling/,
  );
  t.is(
    (await attempt((folders) => reconfigure(folders, { hidden_size: 'wide' }))).code,
    'CALM_CONFIG_UNSUPPORTED',
  );
  t.is((await attempt((folders) => reconfigure(folders, { patch_size: 2 }))).code, 'CALM_MODEL_MISMATCH');
});

test('prompts from a file are answered into a file, which is gone on with where it was left', async (t) => {
  const folder = temporaryFolder(t);
  t.is((await importModel(await writeFolders(folder), folder)).code, 0);
  writeFileSync(
    join(folder, 'prompts.jsonl'),
    ['AB', 'CDEF', 'G'].map((prompt, id) => JSON.stringify({ id, prompt })).join('\n'),
  );
  const answer = (results: string) =>
    calm(
      [
        'sample',
        'runs/imported',
        '--prompts',
        'prompts.jsonl',
        '--results',
        results,
        '--max-tokens',
        '8',
        '--num-samples',
        '2',
        '--engine',
        'onnx',
        '--json',
      ],
      folder,
    );
  const first = await answer('whole.jsonl');
  t.is(first.code, 0, first.stdout + first.stderr);
  const whole = readFileSync(join(folder, 'whole.jsonl'), 'utf8');
  const lines = whole
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: number; prompt: string; samples: object[] });
  t.deepEqual(
    lines.map(({ id, prompt, samples }) => [id, prompt, samples.length]),
    [
      [0, 'AB', 2],
      [1, 'CDEF', 2],
      [2, 'G', 2],
    ],
  );
  // Killed in the middle of the second line.
  writeFileSync(join(folder, 'cut.jsonl'), whole.slice(0, whole.indexOf('\n') + 20));
  const second = await answer('cut.jsonl');
  t.regex(second.stderr, /1 of 3 prompts are answered/);
  t.is(readFileSync(join(folder, 'cut.jsonl'), 'utf8'), whole);
  writeFileSync(join(folder, 'prompts.jsonl'), '{"prompt": 5}\n');
  t.like(JSON.parse((await answer('none.jsonl')).stdout).error, { code: 'CALM_PROMPTS' });
});
