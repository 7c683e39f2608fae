/** Proxies, as the environment names them: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, also in lower case. */

import type { Dispatcher } from 'undici';
import { proxyAddress } from '../errors.ts';

/**
 * The proxy variable of an address's scheme that is set. As in undici, the lower case counts first, and
 * HTTP_PROXY is for https too.
 */
export function proxyVariable(
  protocol: string,
  environment: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const own = firstSet(['http_proxy', 'HTTP_PROXY'], environment);
  return protocol === 'https:' ? (firstSet(['https_proxy', 'HTTPS_PROXY'], environment) ?? own) : own;
}

/** What sends requests: over the proxies of the environment, or directly. Time limits are the caller's. */
export async function environmentDispatcher(): Promise<Dispatcher> {
  const { EnvHttpProxyAgent } = await import('undici');
  return new EnvHttpProxyAgent({
    httpProxy: proxyOf('http:'),
    httpsProxy: proxyOf('https:'),
    // Plain requests are asked of the proxy itself, as curl does; many allow CONNECT for port 443 alone.
    proxyTunnel: false,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** Empty where there is none, so that undici looks no further. */
function proxyOf(protocol: string): string {
  const variable = proxyVariable(protocol);
  if (variable === undefined) return '';
  const value = process.env[variable] as string;
  const address = value.includes('://') ? value : `http://${value}`;
  if (!URL.canParse(address) || !/^(https?|socks5?):$/.test(new URL(address).protocol))
    throw proxyAddress(variable);
  return address;
}

function firstSet(names: readonly string[], environment: NodeJS.ProcessEnv): string | undefined {
  const name = names.find((candidate) => environment[candidate] !== undefined);
  return name !== undefined && environment[name] ? name : undefined;
}
