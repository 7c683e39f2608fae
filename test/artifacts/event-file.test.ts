/** Event files against bytes that TensorBoard's own writer wrote (test/fixtures/tensorboard/make.py). */

import { readFileSync } from 'node:fs';
import test from 'ava';
import { eventRecord, type LoggedEvent, recordPlaces } from '../../src/artifacts/event-file.ts';

const theirs = readFileSync(new URL('../fixtures/tensorboard/events.bin', import.meta.url));

const text = (wallTime: number, step: number, content: string): LoggedEvent => ({
  kind: 'text',
  wallTime,
  step,
  tag: 'sample',
  text: content,
});
/** What make.py writes. */
const EVENTS: readonly LoggedEvent[] = [
  { kind: 'version', wallTime: 1_700_000_000.25 },
  { kind: 'scalars', wallTime: 1_700_000_001.5, step: 50, values: { loss: 6.25, gradNorm: 0.1 } },
  { kind: 'scalars', wallTime: 1_700_000_002.75, step: 3_000_000_000, values: { loss: null } },
  text(1_700_000_003, 100, 'Bürger ☃\nof this `nation`'),
  text(1_700_000_004, 200, 'x'.repeat(300)),
];

test('records are those of TensorBoard’s writer, byte by byte', (t) => {
  t.deepEqual(Buffer.concat(EVENTS.map(eventRecord)), theirs);
});

test('a step of zero is not written, and what is not finite is NaN', (t) => {
  const at = (step: number, loss: number) =>
    eventRecord({ kind: 'scalars', wallTime: 1, step, values: { loss } });
  t.is(at(1, 2).length - at(0, 2).length, 2);
  t.deepEqual(at(1, Number.POSITIVE_INFINITY), at(1, Number.NaN));
});

test('records are told apart when they are read back', (t) => {
  t.deepEqual(
    recordPlaces(theirs),
    EVENTS.map((event) => ({
      kind: event.kind,
      wallTime: event.wallTime,
      step: event.kind === 'version' ? 0 : event.step,
    })),
  );
});

test('a file ends where a record is cut short or damaged', (t) => {
  const all = EVENTS.map(eventRecord);
  const length = all[0].length + all[1].length;
  for (const end of [length, length + 1, length + 11, length + all[2].length - 1])
    t.is(recordPlaces(theirs.subarray(0, end)).length, 2, `${end} bytes`);
  const damaged = Buffer.from(theirs);
  damaged[length + 20] ^= 1;
  t.is(recordPlaces(damaged).length, 2);
  const endless = Buffer.from(theirs);
  endless.fill(255, length, length + 8);
  t.is(recordPlaces(endless).length, 2);
});
