export { isHubAddress, parseHubAddress } from './address.ts';
export type { HubUse } from './chosen-files.ts';
export { locate, locateData } from './locate.ts';
