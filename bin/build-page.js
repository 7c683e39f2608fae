// Bundles the page of src/web, unless nothing that it was made of has changed. Vite wants a newer Node than
// npm may run: the one in node_modules.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** @param root of the project */
export async function buildPage(root) {
  const note = join(root, '.types/page-inputs.json');
  if (existsSync(join(root, 'dist/web/index.html')) && isUnchanged(root, note)) return;
  rmSync(note, { force: true });
  const require = createRequire(import.meta.url);
  const vite = join(dirname(require.resolve('vite/package.json')), 'bin/vite.js');
  const config = join(root, 'src/web/vite.config.js');
  const inputs = join(root, 'dist/web-inputs.json');
  execFileSync(nodeFor(require), [vite, 'build', '--config', config, '--logLevel', 'warn'], {
    stdio: 'inherit',
    env: { ...process.env, CALM_PAGE_INPUTS: inputs },
  });
  const names = [...JSON.parse(readFileSync(inputs, 'utf8')), 'package-lock.json'];
  rmSync(inputs);
  mkdirSync(dirname(note), { recursive: true });
  writeFileSync(
    note,
    JSON.stringify(Object.fromEntries(names.map((name) => [name, hashOf(join(root, name))]))),
  );
}

function nodeFor(require) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 12) ? process.execPath : require.resolve('node/bin/node');
}

function isUnchanged(root, note) {
  if (!existsSync(note)) return false;
  const known = Object.entries(JSON.parse(readFileSync(note, 'utf8')));
  return known.every(([name, hash]) => hashOf(join(root, name)) === hash);
}

function hashOf(file) {
  return existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : '';
}
