/**
 * What a format of corpus files is: how a file is recognised, and how its documents are read from any place
 * on. A format is a plain object in a registry (`registry.ts`); everything else about a corpus knows no
 * format by name.
 */

import type { Duplex } from 'node:stream';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ChatMessage } from '../tokenizers/chat.ts';

/** Fields (columns) of a document in two parts, or of a conversation. */
export type DocumentFields =
  | { readonly prompt: string; readonly completion: string }
  | { readonly messages: string };

/** A document in two parts, of which a model learns the second. */
export interface Pair {
  readonly prompt: string;
  /** Never empty. */
  readonly completion: string;
}

/** What a document of fields is: a pair, or a conversation, of which a model learns the assistant's turns. */
export type FieldDocument = Pair | { readonly messages: readonly ChatMessage[] };

/** A file of the corpus and how it is read. Plain data, so that it can be sent to another thread. */
export interface CorpusFile {
  readonly path: string;
  /** The name of its format. */
  readonly format: string;
  /** The name of the compression that it is packed with; by its content, whatever its name. */
  readonly compression?: string;
  /** What is one document of a text. */
  readonly documents: 'file' | 'paragraph' | 'line';
  /** The field (or column) that holds the text, where records have fields. */
  readonly textField: string;
  /** Fields that give a document in parts, instead of the one that holds a text. */
  readonly fields?: DocumentFields;
  /** The format's own options, as its schema gives them back. */
  readonly options?: unknown;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** A place in a file where its reader can begin. Plain JSON: a stopped stage keeps it. */
export interface FilePlace {
  /** Bytes of the file before it, as unpacked. It never falls, and is 0 at the beginning alone. */
  readonly offset: number;
  /** Whether a document that began before continues here. */
  readonly isInside: boolean;
  /** Whatever else the format must know to begin here: the row of a row group, say. */
  readonly state?: unknown;
}

/** A record (a line, a row) that could not be used. */
export interface BadRecord {
  /** Which one of the chunk, counted from 1. */
  readonly number: number;
  /** What is wrong, to be said after "The line": `is not UTF-8`. */
  readonly problem: string;
}

/** The documents of a chunk. */
export interface ChunkDocuments {
  /**
   * In order. The first continues the last one of the chunk before, where this chunk begins inside a
   * document, and the last one continues in the next chunk likewise. Documents without text are left out and
   * counted by the caller.
   */
  readonly documents: readonly string[];
  /** Documents of fields, where the file is read by `fields`; and which record each is, counted from 1. */
  readonly pairs?: readonly FieldDocument[];
  readonly pairRecords?: readonly number[];
  readonly bad?: readonly BadRecord[];
  /**
   * Records of the chunk, good and bad: later ones are counted from here. As many as documents where absent.
   */
  readonly numRecords?: number;
}

/** Where the next chunk begins; outside of every document unless it says otherwise. */
type ChunkEnd = Omit<FilePlace, 'isInside'> & { readonly isInside?: boolean };

/** The next part of a file, about a megabyte of it: its documents, or bytes for `parse`. */
export type FileChunk = { readonly end: ChunkEnd } & (
  | ChunkDocuments
  | { readonly bytes: Uint8Array<ArrayBuffer> }
);

/** What `parse` must know besides the bytes. */
export interface ChunkSpan {
  readonly file: CorpusFile;
  readonly begin: FilePlace;
  readonly end: FilePlace;
}

/** The beginning of a file, by which it is recognised. */
export interface FileHead {
  /** Without its folder, and without an ending such as `.gz`. */
  readonly name: string;
  /** What follows the last dot of the name, in lower case; '' where there is none. */
  readonly ending: string;
  /** The first bytes, unpacked. */
  readonly bytes: Uint8Array;
  /** Whether these bytes are the whole file. */
  readonly isWhole: boolean;
}

/** Why a file is not read, to be said after its name, and what can be done. */
export interface FormatProblem {
  readonly problem: string;
  readonly advice: string;
}

/** A field of a record, and how long its text is. */
export type FieldLength = readonly [field: string, length: number];

export interface CorpusFormat {
  /** `format` in a configuration; kebab-case. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Raise it when the same file would give other documents: what was made of it before becomes out of
   * date. */
  readonly version?: number;
  /** What a record is called in messages: line, row, … `record` where absent. */
  readonly unit?: string;
  /**
   * Whether it is written in UTF-8 text. Such a format is asked only about files that are text and no known
   * other format.
   */
  readonly isText?: boolean;
  /** Whether it is read at any place of its file, so that it can't be packed in a compressed stream. */
  readonly isRandomAccess?: boolean;
  /** Whether its records have fields, of which prompts, completions and messages can be read. */
  readonly hasFields?: boolean;
  /** Options of its own: `options` of a source. A format without a schema takes none. */
  readonly options?: StandardSchemaV1;
  /** Whether a file is of this format; a problem where it is but can't be read. */
  recognises(head: FileHead): boolean | FormatProblem;
  /**
   * Reads a file from a place on, chunk by chunk. Where a chunk ends must depend on the file and on where it
   * begins alone, so that a reader that begins at any chunk's end sees the same chunks. Memory must not grow
   * with the file. A file that is damaged is an error with any message; the file is named by the caller.
   */
  read(file: CorpusFile, from: FilePlace): AsyncIterable<FileChunk>;
  /**
   * The documents in a chunk's bytes: a function of nothing else. That of a built-in format runs on other
   * threads.
   */
  parse?(bytes: Uint8Array<ArrayBuffer>, span: ChunkSpan): ChunkDocuments | Promise<ChunkDocuments>;
  /** What of a file's options decides the documents; part of a fingerprint. All of them where absent. */
  role?(file: Pick<CorpusFile, 'documents' | 'textField'>): string;
  /**
   * What a file lacks so that nothing of it can be read, to be said after its name: the column. In a folder
   * it is passed over then; a file that is named is an error when it is read.
   */
  lacks?(file: CorpusFile): Promise<string | undefined>;
  /**
   * The fields (columns) of some records at a file's beginning that hold a text, each with the text's length
   * in characters: `calm init` chooses `textField` by them. Absent where there are no fields.
   */
  textFields?(file: Pick<CorpusFile, 'path' | 'compression' | 'options'>): Promise<readonly FieldLength[]>;
  /** Whether a whole file is one document, so that one file alone leaves nothing to hold out. */
  isOneDocument?(file: Pick<CorpusFile, 'documents'>): boolean;
}

/** A way in which a file of any format may be packed. */
export interface Compression {
  readonly name: string;
  /** Endings of such files, in lower case. */
  readonly endings: readonly string[];
  /** A command that unpacks a file to its output. */
  readonly command: string;
  /** What this program lacks to unpack it; undefined where it can. */
  readonly missing?: string;
  /** So many packed bytes at the beginning are enough to see how the file begins. */
  readonly headBytes: number;
  recognises(head: Uint8Array): boolean;
  /** A stream that takes packed bytes and gives unpacked ones. */
  unpack(): Duplex;
}
