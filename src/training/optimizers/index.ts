/** The optimisers' names and options alone: loads no tensor library, so command-line help can read it. */

export { ADAMW_DEFAULTS, type AdamWOptions, adamWOptions } from './adamw-options.ts';
export { type MuonOptions, muonOptions } from './muon-options.ts';
export * from './registry.ts';
