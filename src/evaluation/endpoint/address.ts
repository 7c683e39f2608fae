/** Where a completions API is, what may be shown of it, and the key that it is asked with. */

import { endpointAddress, endpointKey, endpointProblem } from '../../errors.ts';

/** The address that completions are asked at. @param endpoint base address, as in http://localhost:8000/v1 */
export function completionsUrl(endpoint: string): URL {
  const problem = endpointProblem(endpoint);
  if (problem) throw endpointAddress(problem);
  const url = new URL(endpoint);
  const base = url.pathname.replace(/\/+$/, '');
  url.pathname = base.endsWith('/completions') ? base : `${base}/completions`;
  url.hash = '';
  return url;
}

/** An address without what may be secret in it. */
export function shownUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** @param source where the key is from, for the error */
export function checkKey(key: string, source: string): string {
  if (!/^[\x20-\x7e\xa1-\xff]+$/.test(key) || key.trim() === '') throw endpointKey(source);
  return key;
}

/** A shorter key is no secret, and would blot out half of a message. */
const SHORTEST_SECRET = 4;

/** Blots out a key, and names and passwords in addresses. */
export function withoutSecrets(text: string, apiKey: string | undefined): string {
  const shown = text.replace(/(\w:\/\/)[^\s/@]+@/g, '$1***@');
  return apiKey && apiKey.length >= SHORTEST_SECRET ? shown.replaceAll(apiKey, '***') : shown;
}
