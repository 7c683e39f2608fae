/** The door for engines of third parties: loads no tensor library, so a plugin's module can read it. */

export { defineEngine, type EngineEntry, type LoadedEngine } from './entry.ts';
export { engineNamed } from './names.ts';
export { registerEngine } from './registry.ts';
