// Compiles src and plugins to dist, and writes oclif.manifest.json, from which `calm --help` answers without
// loading a command.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const typescript = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin/tsc',
);

rmSync(join(root, 'oclif.manifest.json'), { force: true });
rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [typescript, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });

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
