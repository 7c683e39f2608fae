/**
 * Answers a shell that asks how a command line may go on. It is asked at every press of TAB, so it reads the
 * list of commands and the schema of configurations as files and loads no command.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type CommandList, candidatesFor, type ListedCommand } from './candidates.ts';
import { splitLine } from './split-line.ts';

/**
 * Prints a candidate a line, with what it means after a tab. Whatever goes wrong, the line stays as it is.
 * @param given the shell, and the line up to the cursor: for bash as one text, or else as its words
 */
export function complete(root: string, [shell, ...given]: readonly string[]): void {
  try {
    const words = shell === 'bash' ? splitLine(given[0] ?? '') : given;
    const found = candidatesFor(words.slice(1), readCommands(root), join(root, 'configs/calm.schema.json'));
    // To bash a word begins after the last of its break characters.
    const before = shell === 'bash' ? (/^.*[=:]/.exec(words.at(-1) ?? '')?.[0].length ?? 0) : 0;
    const lines = found.map(({ value, summary = '' }) =>
      shell === 'bash'
        ? value.slice(before)
        : `${value}\t${summary.replaceAll('<%= config.bin %>', 'calm').replaceAll(/\s+/g, ' ')}`,
    );
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  } catch {
    // The shell completes names of files instead.
  }
}

/** The commands of calm and of the oclif plugins that it always has. */
function readCommands(root: string): CommandList {
  const require = createRequire(join(root, 'package.json'));
  const { oclif } = readJson(join(root, 'package.json')) as { oclif: { plugins: string[]; topics: Topics } };
  const files = [
    join(root, 'oclif.manifest.json'),
    ...oclif.plugins.map((name) => join(dirname(require.resolve(name)), '..', 'oclif.manifest.json')),
  ];
  const lists = files.map((file) => (readJson(file) as { commands: Record<string, ListedCommand> }).commands);
  return { commands: Object.assign({}, ...lists), topics: oclif.topics };
}

type Topics = CommandList['topics'];

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
