/**
 * What a file of a corpus is: by its first bytes, then by its name. What no format reads is named with a way
 * to convert it, and never read as prose.
 */

import { compressionOf, unpackedHead, unpackedName } from './compressions.ts';
import type { Compression, CorpusFormat, FileHead, FormatProblem } from './format.ts';
import { corpusFormat, corpusFormats } from './registry.ts';
import { quoted, textProblem } from './text-policy.ts';
import { unreadByContent, unreadFormat } from './unread.ts';

/** So many bytes at the beginning of a file are enough to tell its format. */
export const HEAD_BYTES = 2 ** 12;

export interface Recognised {
  readonly format: CorpusFormat;
  readonly compression?: Compression;
}

/**
 * Recognises a file by its first bytes and its name.
 * @param begin gives the first bytes of the file, as many as are asked for or all there are
 * @param size of the file in bytes
 * @param wanted the name of the format that the configuration says it has; it is recognised where absent
 */
export async function recogniseFormat(
  name: string,
  begin: (most: number) => Uint8Array,
  size: number,
  wanted?: string,
): Promise<Recognised | FormatProblem> {
  const head = begin(HEAD_BYTES);
  const compression = compressionOf(head);
  if (!compression) return recogniseUnpacked(headOf(name, head, head.length === size), wanted);
  if (compression.missing) return notUnpacked(name, compression);
  const packed = begin(compression.headBytes);
  const { bytes, isWhole } = await unpackedHead(packed, compression, HEAD_BYTES);
  const inner = compressionOf(bytes);
  if (inner) return packedTwice(name, compression, inner);
  const found = recogniseUnpacked(headOf(name, bytes, isWhole && packed.length === size), wanted);
  if ('problem' in found) return found;
  return found.format.isRandomAccess
    ? packedWhole(name, found.format, compression)
    : { ...found, compression };
}

function notUnpacked(name: string, { name: packing, command, missing }: Compression): FormatProblem {
  return {
    problem: `is compressed with ${packing}, which takes ${missing}`,
    advice: `Use ${missing}, or unpack it first: ${command} ${quoted(name)} > ${quoted(unpackedName(name))}`,
  };
}

/** A compressed stream can't be entered in the middle. */
function packedWhole(name: string, format: CorpusFormat, { name: packing, command }: Compression) {
  return {
    problem: `is ${format.name} packed with ${packing}, and is read at any place`,
    advice: `Unpack it first: ${command} ${quoted(name)} > corpus.${format.name}`,
  };
}

function headOf(file: string, bytes: Uint8Array, isWhole: boolean): FileHead {
  const name = unpackedName(file);
  return { name, ending: /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '', bytes, isWhole };
}

function packedTwice(name: string, outer: Compression, inner: Compression): FormatProblem {
  return {
    problem:
      inner === outer
        ? `is compressed with ${outer.name} twice`
        : `is compressed with ${inner.name} and then with ${outer.name}`,
    advice: `Unpack it once: ${outer.command} ${quoted(name)} > corpus.${inner.endings[0]}`,
  };
}

/** What is text is asked for only among files that are text and nothing else that is known. */
function recogniseUnpacked(head: FileHead, wanted: string | undefined): Recognised | FormatProblem {
  if (wanted !== undefined) return asWanted(head, corpusFormat(wanted));
  const isText = (format: CorpusFormat) => format.isText === true;
  return (
    askAll(
      head,
      corpusFormats().filter((format) => !isText(format)),
    ) ??
    unreadFormat(head) ??
    textProblem(head) ??
    (askAll(head, corpusFormats().filter(isText)) as Recognised | FormatProblem)
  );
}

/** The format that the configuration says, unless the file's first bytes say that it is none of text. */
function asWanted(head: FileHead, format: CorpusFormat): Recognised | FormatProblem {
  const problem = format.isText && (unreadByContent(head) ?? textProblem(head));
  if (problem) return problem;
  const found = format.recognises(head);
  return typeof found === 'object' ? found : { format };
}

/** The first format that says that a file is its own, or why it can't be read. */
function askAll(head: FileHead, formats: readonly CorpusFormat[]): Recognised | FormatProblem | undefined {
  for (const format of formats) {
    const found = format.recognises(head);
    if (found) return typeof found === 'object' ? found : { format };
  }
  return undefined;
}
