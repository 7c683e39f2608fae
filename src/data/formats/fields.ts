/** Documents that are made of fields of a record: a prompt with its completion, or the messages of a chat. */

import type { ChatMessage } from '../tokenizers/chat.ts';
import type { BadRecord, ChunkDocuments, CorpusFile, FieldDocument } from './format.ts';

export type Problem = Omit<BadRecord, 'number'>;

/** What a record gives: a text, a document of fields, or why neither. */
export type Found = string | FieldDocument | Problem;

type Fields = Pick<CorpusFile, 'textField' | 'fields'>;

/** The fields that a record must have. */
export function neededFields({ textField, fields }: Fields): readonly string[] {
  if (!fields) return [textField];
  return 'messages' in fields ? [fields.messages] : [fields.prompt, fields.completion];
}

/** What of a source's fields decides its documents; part of a fingerprint. */
export function fieldsRole({ fields }: Pick<CorpusFile, 'fields'>): string[] {
  return fields ? [JSON.stringify(fields)] : [];
}

/**
 * A document of a record's fields.
 * @param fieldOf gives a field's value, or why there is none
 */
export function documentOf(file: Fields, fieldOf: (field: string) => unknown): Found {
  const { fields, textField } = file;
  if (!fields) return textOf(fieldOf, textField);
  if ('messages' in fields) return conversationOf(fieldOf(fields.messages), fields.messages);
  const prompt = textOf(fieldOf, fields.prompt);
  if (typeof prompt !== 'string') return prompt;
  const completion = textOf(fieldOf, fields.completion);
  if (typeof completion !== 'string') return completion;
  return completion === '' ? { problem: `has nothing in "${fields.completion}"` } : { prompt, completion };
}

function textOf(fieldOf: (field: string) => unknown, field: string): string | Problem {
  const value = fieldOf(field);
  if (typeof value === 'string') return value;
  return isProblem(value) ? value : { problem: `has no text in "${field}"` };
}

/** Something that says why there is no value. */
function isProblem(value: unknown): value is Problem {
  return value instanceof Lack;
}

/** Why a record has no value in a field. */
export class Lack {
  readonly problem: string;

  constructor(problem: string) {
    this.problem = problem;
  }
}

/** Messages as a list, or as the JSON of one, which is how tables of text have them. */
function conversationOf(value: unknown, field: string): Found {
  if (isProblem(value)) return value;
  const list = typeof value === 'string' ? parsed(value) : value;
  if (!Array.isArray(list) || list.length === 0) return { problem: `has no list of messages in "${field}"` };
  const wrong = list.findIndex(
    (message) => typeof message?.role !== 'string' || typeof message?.content !== 'string',
  );
  if (wrong >= 0)
    return { problem: `has in "${field}" a message ${wrong + 1} without the texts "role" and "content"` };
  const messages = list.map(({ role, content }: ChatMessage) => ({ role, content }));
  return messages.some(({ role }) => role === 'assistant')
    ? { messages }
    : { problem: `has in "${field}" no message of the assistant, from whom a model learns` };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Puts the documents of a chunk together, record by record. */
export class Gathered {
  readonly documents: string[] = [];
  readonly pairs: FieldDocument[] = [];
  /** Which record of the chunk each of the pairs is, counted from 1. */
  readonly pairRecords: number[] = [];
  readonly bad: BadRecord[];

  constructor(bad: BadRecord[] = []) {
    this.bad = bad;
  }

  /** @param number of the record in the chunk, counted from 1 */
  add(number: number, found: Found): void {
    if (typeof found === 'string') this.documents.push(found);
    else if ('problem' in found) this.bad.push({ number, ...found });
    else {
      this.pairs.push(found);
      this.pairRecords.push(number);
    }
  }

  chunk(numRecords: number): ChunkDocuments {
    const { documents, pairs, pairRecords, bad } = this;
    return { documents, ...(pairs.length > 0 ? { pairs, pairRecords } : {}), bad, numRecords };
  }
}
