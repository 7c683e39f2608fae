import { existsSync, readFileSync } from 'node:fs';
import { artifactBroken } from '../errors.ts';

/** The lines of metrics.jsonl, none where it is not there. One that is just being written is left out. */
export function readMetrics<Line = Record<string, unknown>>(file: string): Line[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .flatMap((line, i) => (line ? [parseLine(file, line, i + 1) as Line] : []));
}

function parseLine(file: string, line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw artifactBroken(file, `line ${number} is no JSON`, error);
  }
}
