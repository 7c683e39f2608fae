/** How calm is started here: commands that are shown can be pasted. */

import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('.', import.meta.resolve('calm-lm/package.json')));
const EXECUTABLE = join(PACKAGE, 'bin', 'run.js');

let found: string | undefined;

/** `calm` where the shell finds it, `npx calm` where npm does, or else `node` with the path. */
export function calmHere(): string {
  return (found ??= lookUp(process.env, process.cwd()));
}

export function lookUp(env: NodeJS.ProcessEnv, directory: string): string {
  const places = (env.PATH ?? '').split(delimiter).filter((place) => place && !isOfNpm(place));
  if (places.some((place) => isThis(join(place, 'calm')))) return 'calm';
  if (env.npm_command === 'exec' || above(directory).some(hasForNpx)) return 'npx calm';
  const path = relative(directory, EXECUTABLE);
  return `node ${path.startsWith('..') ? EXECUTABLE : path}`;
}

/** npx and npm run put such folders before the user's own. */
function isOfNpm(place: string): boolean {
  return place.endsWith(join('node_modules', '.bin')) || place.includes(`${sep}_npx${sep}`);
}

function hasForNpx(folder: string): boolean {
  return folder + sep === PACKAGE || isThis(join(folder, 'node_modules', '.bin', 'calm'));
}

function isThis(file: string): boolean {
  return existsSync(file) && realpathSync(file) === realpathSync(EXECUTABLE);
}

function above(directory: string): string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...above(parent)];
}
