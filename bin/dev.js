#!/usr/bin/env -S node --conditions=calm-source
// `calm` from the TypeScript sources, without a build: node_modules/.bin/node --conditions=calm-source
// bin/dev.js …
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { settings } from '@oclif/core';
import { main } from '../src/commands/main.ts';
import { beTheOnlyCalm } from './one-calm.js';

const pjson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const toSources = (target) => target.replace('./dist/', './').replace(/\.js$/, '.ts');
const { commands, hooks, helpClass } = pjson.oclif;
pjson.oclif.helpClass = toSources(helpClass);
pjson.oclif.commands = { ...commands, target: toSources(commands.target) };
pjson.oclif.hooks = Object.fromEntries(
  Object.entries(hooks).map(([name, target]) => [name, toSources(target)]),
);

beTheOnlyCalm();
process.env.NODE_ENV = 'development';
settings.debug = true;
await main(process.argv.slice(2), { root: fileURLToPath(new URL('..', import.meta.url)), pjson });
