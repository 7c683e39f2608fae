/** What the environment says of the hub, by the names that Hugging Face's own tools read. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hubEndpointWrong } from '../errors.ts';
import { expandHome, homeFolder } from '../paths.ts';

/** The address of the hub, without a slash at its end: HF_ENDPOINT, for mirrors and hubs of one's own. */
export function hubEndpoint(environment: NodeJS.ProcessEnv = process.env): string {
  const address = environment.HF_ENDPOINT || 'https://huggingface.co';
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) throw hubEndpointWrong();
  return address.replace(/\/+$/, '');
}

/** Whether nothing may be asked of the hub: HF_HUB_OFFLINE. */
export function isHubOffline(environment: NodeJS.ProcessEnv = process.env): boolean {
  return /^(1|on|yes|true)$/i.test(environment.HF_HUB_OFFLINE ?? '');
}

/** Where downloads lie, shared with Hugging Face's tools: HF_HUB_CACHE, else hub/ in their home. */
export function hubCache(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment.HF_HUB_CACHE || environment.HUGGINGFACE_HUB_CACHE;
  return named ? expandHome(named) : join(hubHome(environment), 'hub');
}

/** The user's token: HF_TOKEN, else the file that `hf auth login` writes; undefined where there is none. */
export function hubToken(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment.HF_TOKEN || environment.HUGGING_FACE_HUB_TOKEN;
  if (named?.trim()) return named.trim();
  try {
    const file = environment.HF_TOKEN_PATH || join(hubHome(environment), 'token');
    return readFileSync(expandHome(file), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

function hubHome(environment: NodeJS.ProcessEnv): string {
  const cache = environment.XDG_CACHE_HOME || join(homeFolder() ?? '/tmp', '.cache');
  return expandHome(environment.HF_HOME || join(cache, 'huggingface'));
}
