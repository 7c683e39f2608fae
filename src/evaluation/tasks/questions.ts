/** The questions of a task: files of JSON lines, each recognised by its fields. */

import { readFileSync } from 'node:fs';
import type { ChatMessage } from '../../data/index.ts';
import { fileMissing, messageOf, taskInvalid } from '../../errors.ts';
import type { Normalization } from './answers.ts';

/** What a question begins with: a text, or messages for the tokenizer's chat template. */
interface Asked {
  readonly prompt: string | readonly ChatMessage[];
}

/** A question that is answered by writing. */
export interface WrittenQuestion extends Asked {
  readonly kind: 'written';
  /** Answers that are right. */
  readonly answers: readonly string[];
  /** What stands behind the prompt where the question is an example. */
  readonly completion: string;
}

/** A question that is answered by one of several endings. */
export interface ChoiceQuestion extends Asked {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  /** Which of them is right, counted from 0. */
  readonly right: number;
}

export type Question = WrittenQuestion | ChoiceQuestion;

/** How answers are taken from what a model writes, where the configuration says nothing. */
export interface TaskDefaults {
  readonly pattern?: string;
  readonly normalize: Normalization;
  readonly stop: readonly string[];
  readonly maxTokens: number;
}

type Fields = Readonly<Record<string, unknown>>;

interface QuestionFormat extends TaskDefaults {
  readonly name: string;
  /** Whether a file of these fields is one. */
  recognises(fields: Fields): boolean;
  /** A line's question, or what is wrong with it. */
  question(fields: Fields): Question | string;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every(isText);

/** Our own: `prompt` or `messages`, with `answer` (or `completion`), or with `choices` and the right one. */
const own: QuestionFormat = {
  name: 'calm',
  normalize: 'text',
  stop: [],
  maxTokens: 64,
  recognises: ({ prompt, messages }) => prompt !== undefined || messages !== undefined,
  question: ({ prompt, messages, choices, answer, completion }) => {
    const asked = isText(prompt) ? prompt : messagesIn(messages);
    if (asked === undefined) return 'has no text "prompt" and no "messages" with "role" and "content"';
    if (choices !== undefined) {
      if (!isTexts(choices)) return 'has "choices" that are no list of texts';
      const right = isText(answer) ? choices.indexOf(answer) : Number(answer);
      if (choices[right] === undefined)
        return 'has no "answer" that is one of its choices or its number from 0';
      return { kind: 'choice', prompt: asked, choices, right };
    }
    const said = answer ?? completion;
    const answers = isText(said) || typeof said === 'number' ? [String(said)] : said;
    if (!isTexts(answers)) return 'has no text in "answer" (or "completion"), and no "choices"';
    return {
      kind: 'written',
      prompt: asked,
      answers,
      completion: isText(completion) ? completion : (answers[0] ?? ''),
    };
  },
};

function messagesIn(value: unknown): readonly ChatMessage[] | undefined {
  const isMessage = (one: Partial<ChatMessage> | undefined) => isText(one?.role) && isText(one?.content);
  return Array.isArray(value) && value.length > 0 && value.every(isMessage) ? value : undefined;
}

/** GSM8K's own files: a worked solution that ends with `#### 18`. */
const gsm8k: QuestionFormat = {
  name: 'gsm8k',
  pattern: '####\\s*(-?[0-9][0-9.,]*)',
  normalize: 'number',
  stop: ['\nQuestion:', '\n\n'],
  maxTokens: 256,
  recognises: ({ question, answer }) => isText(question) && isText(answer) && answer.includes('####'),
  question: ({ question, answer }) => {
    const [, number] = isText(answer) ? (/####\s*(\S+)/.exec(answer) ?? []) : [];
    if (!isText(question) || !isText(answer) || number === undefined)
      return 'has no "question" with an "answer" that ends with #### and a number';
    return {
      kind: 'written',
      prompt: `Question: ${question.trim()}\nAnswer:`,
      answers: [number],
      completion: ` ${answer.trim()}`,
    };
  },
};

/** HellaSwag's own files: a context and four endings. Brackets of its sources are taken out, as is usual. */
const hellaswag: QuestionFormat = {
  name: 'hellaswag',
  normalize: 'text',
  stop: [],
  maxTokens: 64,
  recognises: ({ ctx, endings }) => ctx !== undefined && endings !== undefined,
  question: ({ ctx, endings, label, activity_label }) => {
    const right = label === '' || label === undefined ? Number.NaN : Number(label);
    if (!isText(ctx) || !isTexts(endings)) return 'has no text "ctx" with a list of texts "endings"';
    if (endings[right] === undefined)
      return 'has no "label" that is the number of an ending (test.jsonl has none)';
    const topic = isText(activity_label) ? `${activity_label}: ` : '';
    return {
      kind: 'choice',
      prompt: withoutBrackets(topic + ctx),
      choices: endings.map((ending) => ` ${withoutBrackets(ending)}`),
      right,
    };
  },
};

function withoutBrackets(text: string): string {
  return text
    .trim()
    .replaceAll(' [title]', '. ')
    .replace(/\[.*?\]/g, '')
    .replaceAll('  ', ' ');
}

const FORMATS: readonly QuestionFormat[] = [gsm8k, hellaswag, own];

/** A file of questions and how their answers are taken. */
export interface QuestionFile {
  readonly format: string;
  readonly defaults: TaskDefaults;
  readonly questions: readonly Question[];
}

/** Reads a file of questions; a line that is none is an error with its number. */
export function readQuestions(file: string): QuestionFile {
  let format: QuestionFormat | undefined;
  const questions: Question[] = [];
  for (const [i, line] of textOf(file).split('\n').entries()) {
    if (line.trim() === '') continue;
    const fields = fieldsOf(file, i + 1, line);
    format ??= FORMATS.find(({ recognises }) => recognises(fields));
    const found = format?.question(fields) ?? unknownFields(fields);
    if (typeof found === 'string') throw taskInvalid(file, i + 1, found);
    questions.push(found);
  }
  if (!format) throw taskInvalid(file, 1, 'has no question');
  const { name, pattern, normalize, stop, maxTokens } = format;
  const defaults = { ...(pattern === undefined ? {} : { pattern }), normalize, stop, maxTokens };
  return { format: name, defaults, questions };
}

const unknownFields = (fields: Fields) =>
  `has none of the fields of a task; its fields are ${Object.keys(fields).slice(0, 10).join(', ') || 'none'}`;

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw fileMissing(file, 'tasks');
    throw error;
  }
}

function fieldsOf(file: string, number: number, line: string): Fields {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch (error) {
    throw taskInvalid(file, number, `is not valid JSON (${messageOf(error)})`);
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw taskInvalid(file, number, 'is not a JSON object');
  return fields as Fields;
}
