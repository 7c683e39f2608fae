import type * as library from '../dist/src/library/index.js' with { 'resolution-mode': 'import' };

export type * from '../dist/src/library/index.js' with { 'resolution-mode': 'import' };
export type CalmError = library.CalmError;
export declare const CalmError: typeof library.CalmError;
export declare const load: typeof library.load;
export declare const readLatents: typeof library.readLatents;
export declare const writeLatents: typeof library.writeLatents;
