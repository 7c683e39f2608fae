/** The code of third-party stages as a hash: a stage whose code changed must run again. */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { fingerprint } from './fingerprint.ts';

const CODE = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.json', '.wasm', '.node']);

/**
 * Hash of the package that a module belongs to, or, of a file of one's own, of it and what it imports by
 * path.
 */
export function codeHash(module: string): string {
  return isInstalled(module) ? packageCode(packageFolder(module)) : hashOf([...withImports(module)].sort());
}

/** Hash of a package's code. @param folder of the package */
export function packageCode(folder: string): string {
  return hashOf(filesOfPackage(folder));
}

/** One hash of several. */
export function codeOfAll(codes: readonly string[]): string {
  return fingerprint([...new Set(codes)].sort());
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 24);
}

function isInstalled(module: string): boolean {
  return module.split(sep).includes('node_modules');
}

function packageFolder(module: string): string {
  let folder = dirname(module);
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Every code file of a package, sorted, its own dependencies left out. */
function filesOfPackage(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory())
        return entry.name === 'node_modules' || entry.name.startsWith('.') ? [] : filesOfPackage(path);
      return CODE.has(extname(entry.name)) ? [path] : [];
    });
}

const RELATIVE_IMPORT = /\b(?:from|import|require)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

function withImports(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file) || !existsSync(file)) return found;
  found.add(file);
  for (const [, imported = ''] of readFileSync(file, 'utf8').matchAll(RELATIVE_IMPORT))
    withImports(resolve(dirname(file), imported), found);
  return found;
}
