import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { spinningOptions } from '../../src/engine/onnx/spinning.ts';

const spins = () =>
  (spinningOptions() as { intra_op: { allow_spinning: string } }).intra_op.allow_spinning === '1';

test.serial(
  'threads do not spin while other programs are at work; the variable decides it by hand',
  async (t) => {
    const hogs = Array.from({ length: availableParallelism() }, () =>
      spawn(process.execPath, ['-e', 'for (;;);']),
    );
    t.teardown(() => {
      for (const hog of hogs) hog.kill('SIGKILL');
    });
    await sleep(300);
    spins();
    await sleep(500);
    t.false(spins());
    process.env.CALM_SPIN = '1';
    t.true(spins());
    process.env.CALM_SPIN = '0';
    t.false(spins());
    delete process.env.CALM_SPIN;
  },
);
