// Compiles src and plugins to dist, bundles the page of src/web into dist/web, and writes oclif.manifest.json,
// from which `calm --help` answers without loading a command.
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPage } from './build-page.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const typescript = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin/tsc',
);

rmSync(join(root, 'oclif.manifest.json'), { force: true });
// The page stays where its sources are as they were.
for (const name of foldersOf(join(root, 'dist')))
  if (name !== 'web') rmSync(join(root, 'dist', name), { recursive: true });
execFileSync(process.execPath, [typescript, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
await buildPage(root);

const { Config, Plugin } = await import('@oclif/core');
const config = await Config.load({ root, ignoreManifest: true });
const plugin = new Plugin({
  root,
  type: 'core',
  ignoreManifest: true,
  errorOnManifestCreate: true,
  respectNoCacheDefault: true,
});
plugin.config = config;
await plugin.load();
writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest, null, 2)}\n`);

function foldersOf(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
