/**
 * No knowledge by strings: nothing in src names a stage, and the rooms that know no model name no measure and
 * no value of one. They ask the stages: for kinds of artifacts, questions, labels. Texts for people, in which
 * a name is one word among others, are free; so is errors.ts, which holds nothing else.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { allMeasures } from 'calm-lm/evaluation/measures';
import ts from 'typescript';
import builtin from '#plugins';
import { ROOT } from './helpers/cli.ts';

/** Of the plugin door: the one value that every stage's metrics.jsonl may have under this name. */
const OF_THE_DOOR = ['loss'];

const stages = builtin.stages.map(({ name }) => name);
const measures = allMeasures().map(({ name }) => name);
const values = builtin.stages
  .flatMap(({ labels }) => Object.keys(labels?.() ?? {}))
  .map((path) => path.split('.').at(-1) as string)
  .filter((name) => !OF_THE_DOOR.includes(name));

/** What a program says by name in a file: whole texts, the parts of dotted ones, and properties. */
function namesIn(source: string): { texts: string[]; properties: string[] } {
  const [texts, properties]: [string[], string[]] = [[], []];
  const file = ts.createSourceFile('file.ts', source, ts.ScriptTarget.Latest);
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && /^[\w.-]+$/.test(node.text)) texts.push(...node.text.split('.'));
    else if (ts.isPropertyAccessExpression(node)) properties.push(node.name.text);
    else if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) properties.push(node.name.text);
    // Labels of random streams are names of their own, which must not change.
    if (ts.isNewExpression(node) && node.expression.getText(file) === 'RandomStream') return;
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { texts, properties };
}

/** `room/file.ts: name` of every file below a folder of src that says one of the names. */
function offences(room: string, names: readonly string[], withProperties: boolean): string[] {
  const folder = join(ROOT, 'src', room);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'errors.ts')
    .flatMap((file) => {
      const { texts, properties } = namesIn(readFileSync(join(folder, file), 'utf8'));
      const said = new Set([...texts, ...(withProperties ? properties : [])]);
      return names.filter((name) => said.has(name)).map((name) => `${join(room, file)}: ${name}`);
    });
}

test('no source says `using`, which the oldest Node that calm runs on can’t read from sources', (t) => {
  const files = ['src', 'plugins'].flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' }).map((file) => join(room, file)),
  );
  const sources = files.filter((file) => /\.tsx?$/.test(file));
  t.true(sources.length > 100);
  t.deepEqual(
    sources.filter((file) => /^\s*(await )?using \w+ =/m.test(readFileSync(join(ROOT, file), 'utf8'))),
    [],
  );
});

test('names are found where a program would use them, and not in texts for people', (t) => {
  const source = "get('evaluate'); read(metrics, 'brierlm.brierLM'); found.perplexity; ({ energy: 1 });";
  t.deepEqual(namesIn(source), {
    texts: ['evaluate', 'brierlm', 'brierLM'],
    properties: ['perplexity', 'energy'],
  });
  const none = "/** evaluate */ say('calm eval energy RUN'); new RandomStream(seed, 'sample', step);";
  t.deepEqual(namesIn(none), { texts: [], properties: [] });
});

/** What `calm init` writes is a configuration of the built-in stages: these know their names. */
const OF_INIT = /^(setup|commands\/init)\//;

test('src names no stage', (t) => {
  t.true(stages.length >= 10);
  t.deepEqual(
    offences('', stages, false).filter((offence) => !OF_INIT.test(offence)),
    [],
  );
});

for (const room of ['commands', 'pipeline', 'plugin', 'reporting', 'runs'])
  test(`${room} names no measure and no value of one`, (t) => {
    t.true(values.includes('brierLM') && measures.includes('energy'));
    t.deepEqual(offences(room, [...measures, ...values], true), []);
  });
