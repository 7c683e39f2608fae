// The page of `calm ui` and of `calm export --to-web`: one bundle that fetches nothing from elsewhere.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const inSources = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The rooms that the page shares with the command hold nothing of Node; whoever brings it in is named. */
const nothingOfNode = {
  name: 'nothing-of-node',
  enforce: 'pre',
  resolveId(id, importer) {
    if (id.startsWith('node:')) throw new Error(`${importer} imports ${id}, which no browser has`);
  },
};

/** Other doors to the same rooms. */
const doors = {
  name: 'doors',
  enforce: 'pre',
  async resolveId(id, importer, options) {
    if (!id.endsWith('/engine/index.ts')) return null;
    const resolved = await this.resolve(id, importer, { ...options, skipSelf: true });
    return resolved?.id === inSources('engine/index.ts') ? inSources('engine/browser/index.ts') : null;
  },
};

const root = inSources('..');
const seen = new Set(globSync('src/web/**/*.{html,css,js,json}', { cwd: root }));

/** Tells `npm run build` what the bundle was made of, and the reader under which licences. */
const inputs = {
  name: 'inputs',
  moduleParsed({ id }) {
    const path = relative(root, id.replace(/\?.*/s, '')).replaceAll('\\', '/');
    if (!id.startsWith('\0')) seen.add(path);
  },
  writeBundle() {
    const own = [...seen].filter((path) => !/^\.\.|node_modules/.test(path));
    const file = process.env.CALM_PAGE_INPUTS;
    if (file) writeFileSync(file, JSON.stringify(own.sort()));
    writeFileSync(join(inSources('../dist/web'), 'licenses.txt'), licences());
  },
};

function licences() {
  const folders = [...seen].flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const texts = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const [file] = globSync('LICEN[CS]E*', { cwd: join(root, folder) });
    const text = file ? readFileSync(join(root, folder, file), 'utf8').trim() : '';
    return `${name} ${version}, ${license}\n\n${text}`.trim();
  });
  return `${texts.join(`\n\n${'-'.repeat(72)}\n\n`)}\n`;
}

/** How long plugins took is of no interest. */
const quietly = { checks: { bundlerTimings: false } };

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [nothingOfNode, doors, inputs],
  worker: {
    format: 'es',
    rolldownOptions: quietly,
    plugins: () => [nothingOfNode, doors, inputs],
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  resolve: { conditions: ['module', 'browser', 'production'] },
  build: {
    outDir: inSources('../dist/web'),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4000,
    rolldownOptions: quietly,
  },
});
