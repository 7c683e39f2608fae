/**
 * Runs the built `calm` many times in one process, which is forked: each message is a command, each answer
 * what came of it. Nothing is shared between commands but what is loaded.
 */

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Config } from '@oclif/core';
import { beTheOnlyCalm } from '../../bin/one-calm.js';
import { standInForUnlistedUser } from '../../bin/unlisted-user.js';

standInForUnlistedUser();
beTheOnlyCalm();
const { main } = await import('../../dist/src/commands/main.js');

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const whole = { ...process.env };

process.on('disconnect', () => process.exit());
process.on('message', async ({ args, cwd, env = {} }) => {
  const shown = { stdout: '', stderr: '' };
  const restore = [capture('stdout'), capture('stderr')];
  process.exitCode = undefined;
  let code;
  try {
    setEnvironment(env);
    if (cwd) process.chdir(cwd);
    // Help changes the commands' names in a configuration, so each has its own.
    await main(args, await Config.load({ root }));
    code = process.exitCode ?? 0;
  } catch (error) {
    code = 1;
    shown.stderr += `uncaught: ${error.stack}\n`;
  } finally {
    for (const giveBack of restore) giveBack();
    setEnvironment({});
    process.exitCode = 0;
  }
  process.send({ code: Number(code), ...shown });

  function capture(name) {
    const stream = process[name];
    const { write } = stream;
    stream.write = (chunk, encoding, done) => {
      shown[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      const after = typeof encoding === 'function' ? encoding : done;
      after?.();
      return true;
    };
    return () => {
      stream.write = write;
    };
  }
});

/** The environment as it was, with some variables changed; null takes one away. */
function setEnvironment(changes) {
  const wanted = { ...whole, ...changes };
  for (const name of Object.keys(process.env)) if (wanted[name] == null) delete process.env[name];
  for (const [name, value] of Object.entries(wanted)) if (value != null) process.env[name] = value;
}

process.send('ready');
