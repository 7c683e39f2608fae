#!/usr/bin/env -S node --conditions=calm-source
// `calm` from the TypeScript sources, without a build: node_modules/.bin/node --conditions=calm-source bin/dev.js …
import { execute } from '@oclif/core';

await execute({ dir: import.meta.url, development: true });
