/** configs/starter.yaml, and configurations that are made from it: its comments stay. */

import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import type { CorpusSource } from '../data/index.ts';
import type { Stages } from './stages.ts';

/** What a configuration is written from. */
export interface Chosen {
  /** Lines of its head; wrapped already. */
  readonly head: readonly string[];
  readonly engine: string;
  readonly corpus: unknown;
  /** Stage → keys that are not the starter's; undefined: the key is left out. */
  readonly stages: Stages;
}

function starterText(): Promise<string> {
  return readFile(new URL(import.meta.resolve('calm-lm/configs/starter.yaml')), 'utf8');
}

/** The starter's stages as data. */
export async function starterStages(): Promise<Stages> {
  return (parseDocument(await starterText()).toJS() as { stages: Stages }).stages;
}

/** The starter with other values; keys keep their comments. */
export async function configText({ head, engine, corpus, stages }: Chosen): Promise<string> {
  const document = parseDocument(await starterText());
  document.commentBefore = head.map((line) => ` ${line}`).join('\n');
  document.set('engine', engine);
  document.setIn(['stages', 'tokenize', 'corpus'], corpus);
  for (const [id, fields] of Object.entries(stages))
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) document.deleteIn(['stages', id, key]);
      else document.setIn(['stages', id, key], value);
    }
  return document.toString({ lineWidth: 0 });
}

/** Sources as short as `corpus` can be written. */
export function corpusValue(sources: readonly CorpusSource[]): unknown {
  const written = sources.map(({ files, package: name, documents, textField }) => ({
    ...(name === undefined ? {} : { package: name }),
    files: files.length === 1 ? files[0] : [...files],
    ...(documents === 'file' ? {} : { documents }),
    ...(textField === 'text' ? {} : { textField }),
  }));
  const [only, another] = written;
  return only && !another && Object.keys(only).length === 1 ? only.files : written;
}
