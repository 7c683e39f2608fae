/** One file of the hub into the cache: resumed where it was cut, checked, and only then under its name. */

import { createHash } from 'node:crypto';
import { createReadStream, existsSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { hubChecksum, hubFileGone, hubLocked } from '../errors.ts';
import { waitForLock } from '../process-lock.ts';
import type { HubAddress } from './address.ts';
import { type HubFile, repositoryFolder, snapshotFile } from './cached.ts';
import type { HubRequests } from './requests.ts';

export interface FilePlace {
  readonly address: HubAddress;
  readonly commit: string;
  readonly file: HubFile;
}

/** @param onBytes told how much more of the file there is than before */
export async function downloadInto(
  place: FilePlace,
  requests: HubRequests,
  onBytes: (more: number) => void,
): Promise<void> {
  const { address, commit, file } = place;
  const repository = repositoryFolder(address);
  const name = file.sha256 ?? file.oid;
  const blob = join(repository, 'blobs', name);
  await mkdir(dirname(blob), { recursive: true });
  const attempt = await waitForLock(`${blob}.calm-lock`);
  if ('owner' in attempt) throw hubLocked(address.text, file.path, attempt.owner.pid);
  try {
    if (!existsSync(blob)) await fetchBlob(place, blob, requests, onBytes);
    else onBytes(file.bytes);
    await linkInto(snapshotFile(address, commit, file), blob);
  } finally {
    attempt.lock.release();
  }
}

/** What is there of a cut download is kept, and read anew only where the whole does not have its sum. */
async function fetchBlob(
  place: FilePlace,
  blob: string,
  requests: HubRequests,
  onBytes: (more: number) => void,
): Promise<void> {
  const { address, file } = place;
  const partial = `${blob}.calm-incomplete`;
  let told = 0;
  const tell = () => {
    const bytes = sizeOf(partial);
    onBytes(bytes - told);
    told = bytes;
  };
  for (const isLast of sizeOf(partial) > 0 ? [false, true] : [true]) {
    tell();
    await requests.again(
      () => fetchRest(place, partial, requests, tell),
      () => sizeOf(partial),
    );
    if (await isWhole(partial, file)) {
      await rename(partial, blob);
      return;
    }
    rmSync(partial, { force: true });
    tell();
    if (isLast) throw hubChecksum(address.text, file.path);
  }
}

async function fetchRest(
  { address, commit, file }: FilePlace,
  partial: string,
  requests: HubRequests,
  tell: () => void,
): Promise<void> {
  const { downloadFile } = await import('@huggingface/hub');
  const have = sizeOf(partial);
  if (file.bytes === 0) return writeFile(partial, '');
  if (have >= file.bytes) return;
  let isRest = have > 0;
  // A server that knows no ranges sends the whole.
  const asked: typeof fetch = async (input, init) => {
    const response = await requests.fetch(input, init);
    if (have > 0 && response.status === 200) isRest = false;
    return response;
  };
  const whole = await downloadFile({
    repo: { type: address.type, name: address.name },
    path: file.path,
    revision: commit,
    hubUrl: requests.endpoint,
    fetch: asked,
    xet: false,
  });
  if (!whole) throw hubFileGone(address.text, file.path);
  const stream = (have > 0 ? whole.slice(have, file.bytes) : whole).stream();
  let target: FileHandle | undefined;
  try {
    // With the first piece the answer is there; only then is it known whether it is the rest.
    for await (const piece of Readable.fromWeb(stream as ReadableStream<Uint8Array>)) {
      target ??= await open(partial, isRest ? 'a' : 'w');
      await target.writeFile(piece as Uint8Array);
      tell();
    }
  } finally {
    await target?.close();
  }
  if (sizeOf(partial) < file.bytes) throw new Error('the answer ended before the file did');
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Size and sum are what the hub says: SHA-256 of a large file, git's own of a small one. */
async function isWhole(path: string, { bytes, sha256, oid }: HubFile): Promise<boolean> {
  if (sizeOf(path) !== bytes) return false;
  const hash = sha256 ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
  if (bytes > 0) for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest('hex') === (sha256 ?? oid);
}

/** A link, relative so that the cache can be moved; where the system has none, a second name. */
async function linkInto(path: string, blob: string): Promise<void> {
  if (existsSync(path)) return;
  await mkdir(dirname(path), { recursive: true });
  try {
    await symlink(relative(dirname(path), blob), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    await link(blob, path);
  }
}
