/**
 * What a file of a corpus is: by its first bytes, then by its name. What no format reads is named with a way
 * to convert it, and never read as prose.
 */

import { compressionOf, unpackedHead, unpackedName } from './compressions.ts';
import type { Compression, CorpusFormat, FileHead, FormatProblem } from './format.ts';
import { corpusFormat, corpusFormats } from './registry.ts';
import { quoted, textProblem } from './text-policy.ts';
import { unreadFormat } from './unread.ts';

/** So many bytes at the beginning of a file are enough to tell its format. */
export const HEAD_BYTES = 2 ** 12;

export interface Recognised {
  readonly format: CorpusFormat;
  readonly compression?: Compression;
}

/**
 * Recognises a file by its first bytes and its name.
 * @param isAll whether the bytes are the whole file
 * @param wanted the name of the format that the configuration says it has; it is recognised where absent
 */
export async function recogniseFormat(
  name: string,
  head: Uint8Array,
  isAll: boolean,
  wanted?: string,
): Promise<Recognised | FormatProblem> {
  const compression = compressionOf(head);
  if (!compression) return recogniseUnpacked(headOf(name, head, isAll), wanted);
  const { bytes, isWhole } = await unpackedHead(head, compression, HEAD_BYTES);
  const inner = compressionOf(bytes);
  if (inner) return packedTwice(name, compression, inner);
  const found = recogniseUnpacked(headOf(name, bytes, isAll && isWhole), wanted);
  if ('problem' in found) return found;
  return found.format.isRandomAccess
    ? packedWhole(name, found.format, compression)
    : { ...found, compression };
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

function asWanted(head: FileHead, format: CorpusFormat): Recognised | FormatProblem {
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
