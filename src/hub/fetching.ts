/** Brings what an address names into the cache: asks what there is, downloads what is missing. */

import { existsSync, statfsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { eachAtOnce } from '../each-at-once.ts';
import { CalmError, hubKindWrong, hubNoRoom, hubNotHere } from '../errors.ts';
import { type HubAddress, parseHubAddress } from './address.ts';
import {
  cachedCommit,
  type HubCommit,
  type HubFile,
  isHere,
  listingFile,
  refFile,
  repositoryFolder,
} from './cached.ts';
import { CARD, chosenFiles, type HubUse, isComplete } from './chosen-files.ts';
import { downloadInto } from './download.ts';
import { type HubRequestOptions, HubRequests } from './requests.ts';
import { isHubOffline } from './settings.ts';

export interface FetchOptions extends HubRequestOptions {
  readonly onProgress?: (progress: FetchProgress) => void;
  /** Told of what is worth knowing, once. */
  readonly note?: (message: string) => void;
  readonly warn?: (message: string) => void;
}

export interface FetchProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** So many files are downloaded at once. */
const AT_ONCE = 4;

/**
 * Downloads what is missing of an address.
 * @throws CALM_HUB_… with what the hub said and the way out
 */
export async function fetchFromHub(text: string, use: HubUse, options: FetchOptions = {}): Promise<void> {
  const address = parseHubAddress(text);
  if ((use === 'data') !== (address.type === 'dataset')) throw hubKindWrong(text, use === 'data');
  if (isHubOffline()) {
    const commit = cachedCommit(address);
    if (!commit || !isComplete(address, use, commit)) throw hubNotHere(text, true);
    return;
  }
  const requests = new HubRequests(address, options);
  try {
    await fetchAddress(address, use, requests, options);
  } finally {
    await requests.close();
  }
}

async function fetchAddress(address: HubAddress, use: HubUse, requests: HubRequests, options: FetchOptions) {
  const found = await latestCommit(address, use, requests, options);
  const { commit } = found;
  const isBySplit = use === 'data' && address.path === '';
  const card = isBySplit ? found.files.find(({ path }) => path === CARD) : undefined;
  if (card && !isHere(address, commit, card))
    await downloadInto({ address, commit, file: card }, requests, () => {});
  const { files, note } = chosenFiles(address, use, found);
  if (note) options.note?.(note);
  const missing = files.filter((file) => !isHere(address, commit, file));
  const totalBytes = missing.reduce((sum, { bytes }) => sum + bytes, 0);
  checkRoom(address, totalBytes);
  let doneBytes = 0;
  const download = (file: HubFile) =>
    downloadInto({ address, commit, file }, requests, (more) => {
      doneBytes += more;
      options.onProgress?.({ doneBytes, totalBytes });
    });
  await eachAtOnce(missing, AT_ONCE, download, options.signal);
}

/** What the revision is now; where the hub can't be asked, what it was when all of it was downloaded. */
async function latestCommit(
  address: HubAddress,
  use: HubUse,
  requests: HubRequests,
  { warn = () => {} }: FetchOptions,
): Promise<HubCommit> {
  const before = cachedCommit(address);
  if (before?.commit === address.revision) return before;
  const isHereAnyway = before !== undefined && isComplete(address, use, before);
  try {
    const retries = isHereAnyway ? 0 : undefined;
    const commit = await requests.again(() => askCommit(address, requests), undefined, retries);
    await writeWhole(refFile(address), commit);
    const known = cachedCommit(address, commit);
    if (known) return known;
    const files = await requests.again(() => askFiles(address, commit, requests));
    await writeWhole(listingFile(address, commit), JSON.stringify(files));
    return { commit, files };
  } catch (error) {
    const isAway = error instanceof CalmError && error.code === 'CALM_HUB_UNREACHABLE';
    if (!isAway || !isHereAnyway) throw error;
    warn(`${error.message}. ${address.text} is taken as it was when it was downloaded.`);
    return before;
  }
}

async function askCommit({ type, name, revision }: HubAddress, requests: HubRequests): Promise<string> {
  const { datasetInfo, modelInfo } = await import('@huggingface/hub');
  const asked = { name, revision, hubUrl: requests.endpoint, fetch: requests.fetch };
  const { sha } =
    type === 'dataset'
      ? await datasetInfo({ ...asked, additionalFields: ['sha'] })
      : await modelInfo({ ...asked, additionalFields: ['sha'] });
  return sha;
}

async function askFiles(
  { type, name }: HubAddress,
  commit: string,
  requests: HubRequests,
): Promise<HubFile[]> {
  const { listFiles } = await import('@huggingface/hub');
  const files: HubFile[] = [];
  const entries = listFiles({
    repo: { type, name },
    recursive: true,
    revision: commit,
    hubUrl: requests.endpoint,
    fetch: requests.fetch,
  });
  for await (const { type: kind, path, size, oid = '', lfs } of entries) {
    // Names come from elsewhere and become paths here.
    const isInside = !path.split(/[/\\]/).some((part) => part === '..' || part === '');
    if (kind !== 'file' || !isInside) continue;
    files.push({ path, bytes: lfs?.size ?? size, oid, ...(lfs ? { sha256: lfs.oid } : {}) });
  }
  return files;
}

/** Before hours of downloads, not after them. */
function checkRoom(address: HubAddress, bytes: number): void {
  let folder = repositoryFolder(address);
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  if (bytes > bavail * bsize) throw hubNoRoom(address.text, bytes, bavail * bsize, folder);
}

async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.calm-${process.pid}`, text);
  await rename(`${file}.calm-${process.pid}`, file);
}
