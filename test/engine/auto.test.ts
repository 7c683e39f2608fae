import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { loadEngine } from 'calm-lm/engine';
import { engineFolder } from '../../src/engine/native/folder.ts';
import { noEngine } from '../../src/errors.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test(
  'auto says why it passes over an engine that is installed, and nothing of those that ' + 'are not',
  async (t) => {
    process.env.CALM_CACHE = temporaryFolder(t);
    const passedOver: string[] = [];
    const engine = await loadEngine('auto', ({ message }) => passedOver.push(message));
    t.deepEqual(passedOver, []);
    t.not(engine.name, 'node');

    mkdirSync(engineFolder('node'), { recursive: true });
    writeFileSync(
      join(engineFolder('node'), 'engine.json'),
      JSON.stringify({ name: 'node', packageVersion: '4.22.0' }),
    );
    t.is((await loadEngine('auto', ({ message }) => passedOver.push(message))).name, engine.name);
    t.is(passedOver.length, 1);
    t.regex(passedOver[0], /^The engine "node" can't be used: [^\n]+$/);
    await t.notThrowsAsync(loadEngine('auto'), 'whoever does not ask is told nothing');

    const error = noEngine([{ ...noEngine([]), message: passedOver[0] }]);
    t.is(error.code, 'CALM_ENGINE_UNAVAILABLE');
    t.true(error.message.endsWith(passedOver[0]));
  },
);
