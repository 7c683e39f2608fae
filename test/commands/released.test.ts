/** The block of docs/checkpoints.md, line by line, on a small model in the same folders. */

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ROOT } from '../helpers/cli.ts';
import { CommandHost } from '../helpers/many-commands.ts';
import { writeFolders } from '../helpers/released-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'calm-test-'));
let host: CommandHost;

/** As the page names the folders. */
test.before(async () => {
  const { model, autoencoder } = await writeFolders(folder);
  renameSync(model, join(folder, 'calm-m'));
  renameSync(autoencoder, join(folder, 'calm-autoencoder'));
  cpSync(join(folder, 'calm-autoencoder'), join(folder, 'calm-m/autoencoder'), { recursive: true });
  mkdirSync(join(folder, 'llama3-tokenizer'));
  cpSync(join(folder, 'calm-m/tokenizer.json'), join(folder, 'llama3-tokenizer/tokenizer.json'));
  const lines = (count: number, line: (i: number) => object) =>
    `${Array.from({ length: count }, (_, i) => JSON.stringify(line(i))).join('\n')}\n`;
  writeFileSync(
    join(folder, 'questions.jsonl'),
    lines(3, (i) => ({ prompt: 'ABCDEFGH'.slice(i) })),
  );
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs';
  const text = (i: number) => letters.slice(i % 30).repeat(20);
  writeFileSync(
    join(folder, 'test.jsonl'),
    lines(40, (i) => ({ text: text(i) })),
  );
  writeFileSync(
    join(folder, 'wiki.jsonl'),
    lines(40, (i) => ({ page: text(i) })),
  );
  host = new CommandHost({ cwd: folder });
});

test.after.always(() => {
  host?.end();
  rmSync(folder, { recursive: true, force: true });
});

async function run(t: ExecutionContext, ...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await host.run({ args: [...args, '--json'] });
  t.is(code, 0, `${args.join(' ')}\n${stdout}${stderr}`);
  return JSON.parse(stdout);
}

/** The lines of the block, without their comments, as words. */
function linesOfPage(): string[][] {
  const page = readFileSync(join(ROOT, 'docs/checkpoints.md'), 'utf8');
  const block = page.match(/```\w*\n([\s\S]*?)```/)?.[1] ?? '';
  return block
    .trim()
    .split('\n')
    .map((line) =>
      [...line.replace(/\s+#.*$/, '').matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, plain]) => quoted ?? plain,
      ),
    );
}

test.serial('every line of docs/checkpoints.md works, in its order', async (t) => {
  t.timeout(120_000);
  const lines = linesOfPage();
  t.true(lines.length >= 5, JSON.stringify(lines));
  for (const [program, ...args] of lines) {
    t.is(program, 'calm');
    // Its default is a text of 200 tokens from 200 candidates each.
    const few = args[0] === 'sample' ? ['--max-tokens', '4', '--num-candidates', '4'] : [];
    await run(t, ...args, ...few);
  }
  const answers = readFileSync(join(folder, 'answers.jsonl'), 'utf8').trimEnd().split('\n');
  t.is(answers.length, 3);
  t.deepEqual(readdirSync(join(folder, 'runs')), ['calm-m']);
});

const brier = async (t: ExecutionContext, ...args: string[]) => {
  const { brier: found, numWindows, protocol } = await run(t, 'eval', 'brierlm', ...args);
  t.is((found as number[]).length, 4);
  t.true((numWindows as number) > 0);
  return JSON.stringify({ found, numWindows, protocol });
};
const text = ['--corpus', 'test.jsonl'];
const sampled = async (t: ExecutionContext, named: string) => {
  const asked = ['--prompt', 'ABCD', '--max-tokens', '8', '--num-candidates', '4', '--seed', '3'];
  return (await run(t, 'sample', named, ...asked)).samples;
};

test.serial(
  'a model folder gives what its import gives, and another field of the text the same',
  async (t) => {
    t.timeout(120_000);
    const expected = await sampled(t, 'runs/calm-m');
    t.deepEqual(await sampled(t, './calm-m'), expected);
    const score = await brier(t, 'runs/calm-m', ...text);
    t.is(await brier(t, './calm-m', ...text), score);
    t.is(await brier(t, './calm-m', '--corpus', 'wiki.jsonl', '--text-field', 'page'), score);
    t.regex(await brier(t, './calm-m', ...text, '--protocol', 'reference-8192'), /"reference-8192"/);
    const reconstructed = await run(t, 'eval', 'reconstruction', './calm-m', ...text);
    t.is(typeof reconstructed.tokenAccuracy, 'number');
    t.deepEqual(await run(t, 'eval', 'reconstruction', 'runs/calm-m', ...text), reconstructed);
    const ofAutoencoder = await run(t, 'eval', 'reconstruction', './calm-autoencoder', ...text);
    t.is(ofAutoencoder.tokenAccuracy, reconstructed.tokenAccuracy);
  },
);

test.serial('a wrong field and a folder that holds no model are said', async (t) => {
  const refused = async (...args: string[]) => {
    const { code, stdout, stderr } = await host.run({ args: [...args, '--json'] });
    t.is(code, 1, stderr);
    return JSON.parse(stdout).error as { code: string; message: string; hint: string };
  };
  const field = await refused('eval', 'brierlm', './calm-m', '--corpus', 'wiki.jsonl');
  t.regex(`${field.message} ${field.hint}`, /text/);
  t.regex((await refused('sample', './llama3-tokenizer')).code, /^CALM_/);
  t.regex((await refused('sample', './calm-autoencoder')).message, /language-model/);
  t.regex((await refused('eval', 'brierlm', './calm-m')).message, /token/);
});

function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

test.serial('the autoencoder may be where config.json says', async (t) => {
  const expected = await sampled(t, './calm-m');
  cpSync(join(folder, 'calm-m'), join(folder, 'pointing'), { recursive: true });
  rmSync(join(folder, 'pointing/autoencoder'), { recursive: true });
  const file = join(folder, 'pointing/config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...config, ae_path: '../calm-autoencoder' }));
  t.deepEqual(await sampled(t, 'pointing'), expected);
  writeFileSync(file, JSON.stringify({ ...config, ae_path: '../nowhere' }));
  const { code, stdout } = await host.run({ args: ['sample', 'pointing', '--json'] });
  t.is(code, 1);
  t.is(JSON.parse(stdout).error.code, 'CALM_AUTOENCODER_MISSING');
});

test.serial('a snapshot in a hub’s cache, whose files are relative links, is read as it is', async (t) => {
  t.timeout(120_000);
  const expected = await sampled(t, './calm-m');
  for (const name of ['calm-m', 'calm-autoencoder']) {
    const repository = join(folder, `hub/models--x--${name}`);
    for (const file of filesBelow(join(folder, name))) {
      const blob = file.replaceAll('/', '-');
      const link = join(repository, 'snapshots/0123', file);
      mkdirSync(join(repository, 'blobs'), { recursive: true });
      cpSync(join(folder, name, file), join(repository, 'blobs', blob));
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(relative(dirname(link), join(repository, 'blobs', blob)), link);
    }
  }
  const snapshotOf = (name: string) => `hub/models--x--${name}/snapshots/0123`;
  t.deepEqual(await sampled(t, snapshotOf('calm-m')), expected);
  await brier(t, snapshotOf('calm-m'), ...text);
  await run(
    t,
    'import',
    snapshotOf('calm-m'),
    '--autoencoder',
    snapshotOf('calm-autoencoder'),
    '--name',
    'cached',
  );
  // The run stands alone.
  rmSync(join(folder, 'hub'), { recursive: true });
  t.deepEqual(await sampled(t, 'runs/cached'), expected);
  await run(t, 'verify', 'runs/cached');
});
