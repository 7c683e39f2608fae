import { z } from 'zod';

const fieldsOfSource = z.strictObject({
  files: z
    .union([z.string().transform((file) => [file]), z.array(z.string()).nonempty()])
    .describe(
      'Paths, folders or patterns, relative to this file (or to the package), or hf:datasets/owner/name on ' +
        'the Hugging Face hub. Text, JSON lines, JSON arrays, CSV, TSV and Parquet; all but the last also as ' +
        '.gz, .zst or .bz2.',
    ),
  package: z.string().optional().describe('An installed npm package whose files are read.'),
  documents: z
    .enum(['file', 'paragraph', 'line'])
    .default('file')
    .describe('What is one document of a text file. Of the other formats, every record is one.'),
  textField: z.string().default('text').describe('The field or column that holds the text.'),
  promptField: z
    .string()
    .optional()
    .describe('Of pairs: the field or column of prompts; `prompt` where only completionField is given.'),
  completionField: z
    .string()
    .optional()
    .describe(
      'Of pairs: the field or column of completions, of which alone a language model learns; `completion` ' +
        'where only promptField is given.',
    ),
  messagesField: z
    .string()
    .optional()
    .describe(
      'Of chats: the field or column of messages, objects with `role` and `content`. Each turn of the ' +
        "assistant is a completion of what comes before it, by the tokenizer's chat template.",
    ),
  format: z
    .string()
    .optional()
    .describe(
      'The format of the files: `text`, `json-lines`, `json-array`, `csv`, `parquet`, or one of a plugin. ' +
        'Recognised where absent.',
    ),
  options: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Options of the format. `csv` has `delimiter`, `quote` and `columns`.'),
});

const source = fieldsOfSource.refine(
  ({ promptField, completionField, messagesField }) =>
    messagesField === undefined || (promptField === undefined && completionField === undefined),
  { error: 'must be absent where promptField or completionField is given', path: ['messagesField'] },
);

const plainFiles = (files: string[]) => [{ files, documents: 'file' as const, textField: 'text' }];

export const config = z.strictObject({
  corpus: z
    .union([
      z.string().transform((file) => plainFiles([file])),
      z.array(z.string()).nonempty().transform(plainFiles),
      z.array(source).nonempty(),
    ])
    .describe('Where documents come from: a path, folder or pattern, a list of them, or a list of sources.'),
  tokenizer: z
    .string()
    .default('bpe')
    .describe(
      '`bpe` (byte-level, trained here), `bytes`, or the path of a tokenizer.json, of a tiktoken file ' +
        '(Llama-3’s tokenizer.model), or of a folder with one of them.',
    ),
  vocabSize: z
    .int()
    .min(258)
    .max(2 ** 20)
    .default(8192)
    .describe('For `bpe`: size of the vocabulary, 256 bytes and two special tokens included.'),
  endOfTextToken: z
    .string()
    .optional()
    .describe('For a tokenizer.json: the name of its end-of-text token; the usual ones are found without.'),
  addSpecialTokens: z
    .boolean()
    .optional()
    .describe(
      'For a tokenizer.json: whether documents get the tokens that its post-processor adds, such as ' +
        'Llama-3’s <|begin_of_text|>; true where absent. Prompts of the run follow.',
    ),
  chatTemplate: z
    .string()
    .optional()
    .describe(
      'Of chats: the path of a Jinja template by which messages become text; what the folder of the ' +
        'tokenizer states where absent.',
    ),
  alignTo: z
    .int()
    .positive()
    .optional()
    .describe(
      'Of pairs and chats: prompts and completions are filled up to a multiple of so many tokens, 1 where ' +
        'absent. A CALM needs a multiple of its patchSize, so that no patch has tokens of both.',
    ),
  validationFraction: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('Part of the documents that is held out: every 1/fraction-th one; 1 for a test set.'),
  onBadLine: z
    .enum(['fail', 'skip'])
    .default('fail')
    .describe(
      'A line (row, element) that is not UTF-8, not valid, without its text, or longer than 64 MiB: ' +
        'an error, or left out, counted and listed in left-out.jsonl.',
    ),
  endDocuments: z
    .boolean()
    .default(true)
    .describe(
      'Whether each document ends with end-of-text. The language-model scripts of the reference append none.',
    ),
});
