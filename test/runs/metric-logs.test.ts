import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type RecordPlace, recordPlaces } from '../../src/artifacts/event-file.ts';
import { METRIC_FORMATS, openMetricLog, readLogged } from '../../src/runs/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const line = (step: number, more: Record<string, number | null> = {}) => ({ step, loss: 1 / step, ...more });
const sample = (step: number) => ({ step, prompt: 'The ', text: `text ${step}` });

function eventsIn(folder: string): RecordPlace[] {
  const names = readdirSync(join(folder, 'tensorboard'));
  if (names.length !== 1) throw new Error(`files: ${names}`);
  return recordPlaces(readFileSync(join(folder, 'tensorboard', names[0])));
}
const steps = (places: readonly RecordPlace[]) => places.map(({ kind, step }) => `${kind[0]}${step}`);
const csvIn = (folder: string) => readFileSync(join(folder, 'metrics.csv'), 'utf8');

test('a table has a row a step; what a step does not have is empty, what is not finite is NaN', (t) => {
  const folder = temporaryFolder(t);
  const log = openMetricLog('csv', folder);
  log.reset([], []);
  log.add({ step: 10, loss: 0.1, 'a "b", c': 1 });
  log.add({ step: 20, loss: null, 'a "b", c': Number.NEGATIVE_INFINITY });
  log.add({ step: 20, held: 0 });
  log.add({ step: 30, loss: 1e-7 });
  t.is(csvIn(folder), 'step,loss,"a ""b"", c",held\n10,0.1,1,\n20,NaN,NaN,0\n30,1e-7,,\n');
});

for (const format of METRIC_FORMATS)
  test(`${format}: written line by line, or all at once, it says the same`, (t) => {
    const [live, whole] = [temporaryFolder(t), temporaryFolder(t)];
    const lines = [line(10), line(20), { step: 20, held: 3 }, line(30, { late: 4 })];
    const opened = openMetricLog(format, live, () => 5);
    opened.reset([], []);
    for (const one of lines) opened.add(one);
    opened.addSample(sample(30));
    openMetricLog(format, whole, () => 5).reset(lines, [sample(30)]);
    const read = (folder: string) => {
      const [name] = readdirSync(folder);
      const inside =
        format === 'csv' ? [name] : readdirSync(join(folder, name)).map((file) => join(name, file));
      return inside.map((path) => readFileSync(join(folder, path)));
    };
    t.deepEqual(read(live), read(whole));
  });

test('who goes back to a checkpoint leaves no step twice, and keeps the times of what still holds', (t) => {
  const folder = temporaryFolder(t);
  let now = 100;
  const first = openMetricLog('tensorboard', folder, () => now++);
  first.reset([], []);
  for (const step of [10, 20, 30]) first.add(line(step));
  first.addSample(sample(20));
  const before = eventsIn(folder);
  const [name] = readdirSync(join(folder, 'tensorboard'));
  const file = join(folder, 'tensorboard', name);
  // A kill in the middle of a record.
  writeFileSync(file, readFileSync(file).subarray(0, -3));
  now = 1000;
  const second = openMetricLog('tensorboard', folder, () => now++);
  second.reset([line(10), line(20)], [sample(20)]);
  second.add(line(30));
  const after = eventsIn(folder);
  t.deepEqual(steps(after), ['v0', 's10', 's20', 't20', 's30']);
  t.deepEqual(
    after.map(({ wallTime }) => wallTime).slice(0, 3),
    before.map(({ wallTime }) => wallTime).slice(0, 3),
  );
  t.true(after[4].wallTime >= 1000);
  const [renamed] = readdirSync(join(folder, 'tensorboard'));
  t.true(renamed > name, 'a reader finds the new file after the old one');
});

test('a log that is asked for late has all from the beginning; leftovers of a kill go', (t) => {
  const folder = temporaryFolder(t);
  openMetricLog('tensorboard', folder).reset([line(1)], []);
  const [name] = readdirSync(join(folder, 'tensorboard'));
  writeFileSync(join(folder, 'tensorboard', `${name.slice(0, -6)}9.calm.partial`), 'half');
  openMetricLog('tensorboard', folder).reset([line(1), line(2)], []);
  t.deepEqual(steps(eventsIn(folder)), ['v0', 's1', 's2']);
});

test('what was logged is read without the line that is just being written', (t) => {
  const folder = temporaryFolder(t);
  t.deepEqual(readLogged(folder), { lines: [], texts: [] });
  writeFileSync(join(folder, 'metrics.jsonl'), '{"step":1,"loss":2}\n{"step":2,"lo');
  writeFileSync(
    join(folder, 'events.jsonl'),
    '{"step":1,"event":"bad step"}\n{"step":1,"event":"written","prompt":"","text":"a"}\n',
  );
  const { lines, texts } = readLogged(folder);
  t.deepEqual(lines, [{ step: 1, loss: 2 }]);
  t.like(texts, [{ step: 1, text: 'a' }]);
  t.false(existsSync(join(folder, 'metrics.csv')));
});
