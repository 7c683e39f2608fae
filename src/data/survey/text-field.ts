/** Which field of records holds the text, where nobody has said it. */

import type { CorpusFile, FieldLength } from '../formats/format.ts';
import { corpusFormat } from '../formats/registry.ts';

/** As `tokenize` has it. */
const USUAL = 'text';

export interface TextField {
  readonly name: string;
  /** In the records that were looked at, in characters; 0 where there are no texts. */
  readonly meanLength: number;
}

/** `text` where records have it; otherwise the field whose texts are the longest. */
export async function textFieldOf(
  file: Pick<CorpusFile, 'path' | 'format' | 'compression' | 'options'>,
): Promise<TextField> {
  const { textFields } = corpusFormat(file.format);
  return longestField((await textFields?.(file)) ?? []);
}

function longestField(texts: readonly FieldLength[]): TextField {
  const fields = new Map<string, { sum: number; count: number }>();
  for (const [field, length] of texts) {
    const { sum, count } = fields.get(field) ?? { sum: 0, count: 0 };
    fields.set(field, { sum: sum + length, count: count + 1 });
  }
  const longest = [...fields].sort(([, a], [, b]) => b.sum - a.sum)[0]?.[0];
  const name = longest === undefined || fields.has(USUAL) ? USUAL : longest;
  const { sum, count } = fields.get(name) ?? { sum: 0, count: 1 };
  return { name, meanLength: sum / count };
}
