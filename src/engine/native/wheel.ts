/** Reads Python wheels, which are zip files: only files out of them, nothing is run. */

import { createWriteStream, existsSync, openSync, statSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Entry, fromFd, type ZipFile } from 'yauzl';

/**
 * Unpacks the entries that are wanted. A file that is there with its size is kept, others are written aside
 * and renamed.
 * @param progress is told the megabytes unpacked so far
 */
export async function extractWheel(
  wheel: string,
  into: string,
  isWanted: (entry: string) => boolean,
  progress: (megabytes: number) => void,
): Promise<void> {
  let bytes = 0;
  await eachEntry(wheel, async (entry, zip) => {
    if (entry.fileName.endsWith('/') || !isWanted(entry.fileName)) return true;
    const file = resolve(into, entry.fileName);
    if (!file.startsWith(resolve(into) + sep))
      throw new Error(`${wheel} has an entry outside of its folder: ${entry.fileName}`);
    bytes += entry.uncompressedSize;
    progress(bytes / 1e6);
    if (existsSync(file) && statSync(file).size === entry.uncompressedSize) return true;
    await mkdir(dirname(file), { recursive: true });
    await pipeline(await readStream(zip, entry), createWriteStream(`${file}.partial`));
    await rename(`${file}.partial`, file);
    return true;
  });
}

/** The text of the first entry whose name matches. */
export async function readWheelText(wheel: string, name: RegExp): Promise<string> {
  let found = '';
  await eachEntry(wheel, async (entry, zip) => {
    if (!name.test(entry.fileName)) return true;
    found = await text(await readStream(zip, entry));
    return false;
  });
  return found;
}

/** Calls `visit` for one entry after the other, until it returns false. */
async function eachEntry(
  wheel: string,
  visit: (entry: Entry, zip: ZipFile) => Promise<boolean>,
): Promise<void> {
  const zip = await new Promise<ZipFile>((done, fail) =>
    fromFd(openSync(wheel, 'r'), { lazyEntries: true }, (error, file) => (error ? fail(error) : done(file))),
  );
  try {
    await new Promise<void>((done, fail) => {
      zip.on('error', fail);
      zip.on('end', done);
      zip.on('entry', (entry: Entry) =>
        visit(entry, zip).then((goOn) => (goOn ? zip.readEntry() : done()), fail),
      );
      zip.readEntry();
    });
  } finally {
    zip.close();
  }
}

function readStream(zip: ZipFile, entry: Entry): Promise<NodeJS.ReadableStream> {
  return new Promise((done, fail) =>
    zip.openReadStream(entry, (error, stream) => (error ? fail(error) : done(stream))),
  );
}
