#!/usr/bin/env -S node --conditions=calm-source
// `calm` from the TypeScript sources, without a build: node_modules/.bin/node --conditions=calm-source
// bin/dev.js …
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execute } from '@oclif/core';
import { beTheOnlyCalm } from './one-calm.js';

const pjson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const toSources = (target) => target.replace('./dist/', './').replace(/\.js$/, '.ts');
const { commands, hooks } = pjson.oclif;
pjson.oclif.commands = { ...commands, target: toSources(commands.target) };
pjson.oclif.hooks = Object.fromEntries(
  Object.entries(hooks).map(([name, target]) => [name, toSources(target)]),
);

beTheOnlyCalm();
await execute({
  development: true,
  dir: import.meta.url,
  loadOptions: { root: fileURLToPath(new URL('..', import.meta.url)), pjson },
});
